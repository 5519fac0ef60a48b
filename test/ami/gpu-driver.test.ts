import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { KERNEL } from './support/bake-sandbox.ts';
import { GpuSandbox, publishInstaller } from './support/gpu-sandbox.ts';

const DNF = 'dnf --assumeyes --quiet --setopt=install_weak_deps=False --setopt=retries=5 --setopt=timeout=30';
const INSTALL = `${DNF} install`;
const LOCK = `${DNF} versionlock add`;
const OLD = '550.163.01';

let sandbox: GpuSandbox;
beforeEach(() => {
  sandbox = new GpuSandbox();
});
afterEach(() => sandbox.remove());

describe('what builds kernel modules', () => {
  it('is of exactly the kernel that runs, and builds nothing at a start', () => {
    expect(sandbox.gpu('20-kernel').status).toBe(0);

    expect(sandbox.changes()).toEqual([
      `${INSTALL} kernel-devel-${KERNEL} kernel-headers-${KERNEL} kernel-modules-extra-${KERNEL} kernel-modules-extra-common-${KERNEL}`,
      `${INSTALL} dkms gcc make`,
      'systemctl disable dkms.service',
    ]);
  });

  it('is not put on a machine that would boot another kernel', () => {
    sandbox.says('grubby', '/boot/vmlinuz-6.1.158-1.amzn2023.x86_64\n');

    const { status, stderr } = sandbox.gpu('20-kernel');

    expect(status).toBe(1);
    expect(stderr).toContain('the image would boot 6.1.158-1.amzn2023.x86_64: reboot the build machine');
    expect(sandbox.changes()).toEqual([]);
  });
});

describe('a driver of a branch that the repository has', () => {
  const packages = (version: string, module = 'open') =>
    `${INSTALL} kmod-nvidia-${module}-dkms-${version} nvidia-driver-cuda-${version} nvidia-modprobe-${version} nvidia-persistenced-${version}`;

  it('is installed by dnf at the exact version of versions.env, and locked', () => {
    const version = sandbox.version('NVIDIA_DRIVER_580');
    const toolkit = sandbox.version('NVIDIA_CONTAINER_TOOLKIT_VERSION');

    const { status, stdout } = sandbox.gpu('30-nvidia', { NVIDIA_DRIVER_VERSION: '580' });

    expect(status).toBe(0);
    expect(stdout).not.toContain('WARNING');
    expect(sandbox.changes()).toEqual([
      `${INSTALL} nvidia-release`,
      packages(version),
      `${INSTALL} nvidia-container-toolkit-${toolkit}`,
      `${LOCK} nvidia*`,
      `${LOCK} kmod-nvidia*`,
      `${LOCK} libnvidia*`,
    ]);
    expect(sandbox.manifest().versions).toMatchObject({
      'nvidia-driver': { version },
      'nvidia-kmod': { version: 'open' },
      'nvidia-container-toolkit': { version: toolkit },
    });
  });

  it('may be named in full, and is not installed twice', () => {
    const env = { NVIDIA_DRIVER_VERSION: '595.71.05' };
    expect(sandbox.gpu('30-nvidia', env).status).toBe(0);
    expect(sandbox.changes()).toContain(packages('595.71.05'));
    sandbox.forgetCalls();

    expect(sandbox.gpu('30-nvidia', env).status).toBe(0);

    expect(sandbox.changes()).toEqual([]);
  });

  it('may have the proprietary module, then without the firmware of the GPU', () => {
    const options = 'etc/modprobe.d/carrierarr-nvidia-proprietary.conf';
    sandbox.gpu('30-nvidia', { NVIDIA_DRIVER_VERSION: '580.178.04' });
    expect(sandbox.exists(options)).toBe(false);

    sandbox.gpu('30-nvidia', { NVIDIA_DRIVER_VERSION: '580.178.04', NVIDIA_KMOD: 'proprietary' });

    expect(sandbox.changes()).toContainEqual(expect.stringContaining(' kmod-nvidia-latest-dkms-580.178.04'));
    expect(sandbox.read(options)).toContain('\noptions nvidia NVreg_EnableGpuFirmware=0\n');
  });

  it('is warned of where NVIDIA mends it no more', () => {
    expect(sandbox.gpu('30-nvidia', { NVIDIA_DRIVER_VERSION: '570.148.08' }).stdout).toContain(
      'WARNING: NVIDIA has ended support of branch 570, and 570.148.08 gets no security fixes',
    );
  });

  it('fails the bake when dnf does not have it', () => {
    sandbox.fails('dnf');

    expect(sandbox.gpu('30-nvidia', { NVIDIA_DRIVER_VERSION: '580' }).status).not.toBe(0);
  });
});

describe('a driver older than the repository', () => {
  const calls = () => sandbox.calls().filter((call) => call.startsWith('installer'));

  it("is the seed's default, has a checksum and comes as NVIDIA's archive, with a warning", () => {
    expect(sandbox.version('NVIDIA_DRIVER_VERSION')).toBe('550');
    expect(sandbox.version(`NVIDIA_DRIVER_SHA256_${OLD.replaceAll('.', '_')}`)).toMatch(/^[0-9a-f]{64}$/);
    const sum = publishInstaller(sandbox, OLD);

    const { status, stdout } = sandbox.gpu('30-nvidia');

    expect(status).toBe(0);
    expect(stdout).toContain(`WARNING: NVIDIA has ended support of branch 550, and ${OLD} gets no security fixes`);
    expect(calls()).toEqual([
      `installer CC=/usr/bin/gcc --silent --dkms --kernel-name=${KERNEL} --kernel-module-build-directory=kernel-open ` +
        '--no-opengl-files --no-x-check --log-file-name=/var/cache/carrierarr/nvidia-installer.log',
    ]);
    expect(sandbox.changes()).not.toContainEqual(expect.stringMatching(/install .*nvidia-driver/));
    expect(sandbox.manifest().versions['nvidia-driver']).toEqual({ version: OLD, sha256: sum });
  });

  it('may have the proprietary module, and is not built twice', () => {
    publishInstaller(sandbox, OLD);

    sandbox.gpu('30-nvidia', { NVIDIA_KMOD: 'proprietary' });
    expect(sandbox.gpu('30-nvidia', { NVIDIA_KMOD: 'proprietary' }).status).toBe(0);

    expect(calls()).toEqual([expect.stringContaining(' --kernel-module-build-directory=kernel ')]);
  });

  it('is never run when it is not the file that was verified', () => {
    publishInstaller(sandbox, OLD);
    sandbox.pin('NVIDIA_DRIVER', OLD, '0'.repeat(64));

    const { status, stderr } = sandbox.gpu('30-nvidia');

    expect(status).toBe(1);
    expect(stderr).toContain('it is not the file that was verified');
    expect(calls()).toEqual([]);
  });

  it('is refused where no checksum is known', () => {
    const { status, stderr } = sandbox.gpu('30-nvidia', { NVIDIA_DRIVER_VERSION: '535.247.01' });

    expect(status).toBe(1);
    expect(stderr).toContain('NVIDIA_DRIVER 535.247.01 has no checksum in versions.env');
    expect(sandbox.downloads()).toEqual([]);
  });

  it("fails the bake with the installer's own words", () => {
    publishInstaller(sandbox, OLD, 1);

    const { status, stderr } = sandbox.gpu('30-nvidia');

    expect(status).toBe(1);
    expect(stderr).toContain("NVIDIA's installer failed: what went wrong");
  });
});

describe('a driver that is none', () => {
  it.each([
    [{ NVIDIA_DRIVER_VERSION: '590' }, "versions.env has no version of NVIDIA's branch 590, but of: 550 580 595"],
    [{ NVIDIA_DRIVER_VERSION: 'latest' }, "NVIDIA_DRIVER_VERSION is 'latest': a major such as 580 or a full version"],
    [{ NVIDIA_DRIVER_VERSION: '580.1; reboot' }, "NVIDIA_DRIVER_VERSION is '580.1; reboot'"],
    [{ NVIDIA_KMOD: 'closed' }, "NVIDIA_KMOD is 'closed': open or proprietary"],
    [{ NVIDIA_DRIVER_VERSION: '620.10.01', NVIDIA_KMOD: 'proprietary' }, 'has no proprietary module any more'],
  ])('%j is refused before anything is installed', (env, reason) => {
    const { status, stderr } = sandbox.gpu('30-nvidia', env);

    expect(status).toBe(1);
    expect(stderr).toContain(reason);
    expect(sandbox.changes()).toEqual([]);
  });
});

describe('the driver of an image', () => {
  it('is what was wanted, so the units may start by themselves', () => {
    sandbox.driver(OLD);

    expect(sandbox.gpu('40-units').status).toBe(0);

    expect(sandbox.enabled()).toEqual(['carrierarr-instance-store.service', 'nvidia-persistenced.service']);
    for (const unit of sandbox.enabled())
      expect(readFileSync(join('ami/gpu-worker/files/etc/systemd/system', unit), 'utf8')).toMatch(/^\[Install\]$/m);
  });

  it.each<[string, () => void, string]>([
    ['was only added to dkms', () => sandbox.driver(OLD, { dkms: `nvidia/${OLD}: added` }), 'has not installed nvidia'],
    [
      'is there beside a module that is not finished',
      () =>
        sandbox.driver(OLD, { dkms: `nvidia/${OLD}, ${KERNEL}, x86_64: installed\nefa/2.0, ${KERNEL}, x86_64: built` }),
      'dkms has left something unfinished: efa/2.0',
    ],
    [
      'was replaced since it was built',
      () =>
        sandbox.driver(OLD, {
          dkms: `nvidia/${OLD}, ${KERNEL}, x86_64: installed (WARNING! Diff between built and installed module!)`,
        }),
      'has not installed nvidia',
    ],
    [
      'is of another version',
      () => sandbox.driver('550.90.07'),
      `has not installed nvidia ${OLD} for kernel ${KERNEL}`,
    ],
    [
      'is of another kernel',
      () => sandbox.driver(OLD, { kernel: '6.1.1-1.amzn2023.x86_64' }),
      `has not installed nvidia`,
    ],
    [
      'is loaded in another version',
      () => sandbox.module('nvidia.version', '535.1.1'),
      `would load nvidia 535.1.1, not ${OLD}`,
    ],
    [
      'was made for another kernel',
      () => sandbox.module('nvidia', '6.1.1-1.amzn2023.x86_64'),
      `the nvidia module is made for kernel 6.1.1-1.amzn2023.x86_64, not ${KERNEL}`,
    ],
    [
      'has the libraries of another one',
      () => sandbox.discard(`usr/lib64/libnvidia-ml.so.${OLD}`),
      'the libraries are of another driver',
    ],
    [
      'cannot be given to a container',
      () => sandbox.discard('usr/bin/nvidia-container-runtime'),
      'there is no /usr/bin/nvidia-container-runtime',
    ],
  ])('that %s fails the bake', (_, spoil, reason) => {
    sandbox.driver(OLD);
    spoil();

    const { status, stderr } = sandbox.gpu('40-units');

    expect(status).toBe(1);
    expect(stderr).toContain(reason);
    expect(sandbox.enabled()).toEqual([]);
  });
});
