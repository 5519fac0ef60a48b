import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { scriptsOf } from '../../lib/images/script-list.ts';
import { publishK3s, publishNebula, publishTools } from './support/artifacts.ts';
import { KERNEL } from './support/bake-sandbox.ts';
import { GpuSandbox, publishInstaller, publishOllama } from './support/gpu-sandbox.ts';

const MODULES = ['overlay', 'br_netfilter', 'tun', 'wireguard', 'vxlan', 'geneve', 'nvidia-uvm'];

/** A machine on which everything can be had, and the whole list run on it. */
const bake = (env: Record<string, string>) => {
  const sandbox = new GpuSandbox();
  publishNebula(sandbox);
  publishTools(sandbox);
  publishK3s(sandbox);
  publishOllama(sandbox, '0.32.7');
  sandbox.says('k3s-images', 'docker.io/rancher/mirrored-pause:3.6\n');
  for (const name of MODULES) sandbox.module(name);
  sandbox.write('usr/bin/nvidia-container-runtime', '', 0o755);
  sandbox.write('etc/machine-id', '');
  sandbox.says('df', 'Avail\n5000\n');
  publishInstaller(sandbox, '550.163.01');
  if (env.NVIDIA_DRIVER_VERSION === '580') sandbox.driver(sandbox.version('NVIDIA_DRIVER_580'));
  const run = sandbox.bake('gpu-worker', { WORKER_AGENT: 'none', OLLAMA_VERSION: '0.32.7', ...env });
  return { sandbox, ...run, faults: run.stderr.match(/^fault: .*$/gm) };
};

describe.each([
  ["the seed's driver", {}, '550.163.01', 'cuda_v12'],
  ['the driver that we recommend', { NVIDIA_DRIVER_VERSION: '580' }, '580.178.04', 'cuda_v13'],
])('a whole gpu-worker with %s', (_, env, version, cuda) => {
  let baked: ReturnType<typeof bake>;
  beforeAll(() => {
    baked = bake(env);
  });
  afterAll(() => baked.sandbox.remove());

  it('goes through the list in its order and comes out fit', () => {
    const { status, stdout, faults, stderr } = baked;

    expect({ status, faults }, stderr.slice(-500)).toEqual({ status: 0, faults: null });
    expect([...stdout.matchAll(/^== (\S+\.sh)/gm)].map(([, name]) => `ami/${name}`)).toEqual(scriptsOf('gpu-worker'));
  });

  it('tells what is in it', () => {
    expect(baked.sandbox.manifest()).toMatchObject({
      image: 'gpu-worker',
      versions: {
        kernel: { version: KERNEL },
        'nvidia-driver': { version },
        'nvidia-kmod': { version: 'open' },
        ollama: { version: '0.32.7', sha256: expect.stringMatching(/^[0-9a-f]{64}$/) },
      },
    });
    expect(baked.sandbox.exists(`usr/local/lib/ollama/${cuda}`)).toBe(true);
  });

  it('starts by itself what has to, and neither k3s nor Ollama, which wait for an identity', () => {
    const enabled = baked.sandbox.enabled();

    expect(enabled).toEqual(
      expect.arrayContaining([
        'carrierarr-boot.service',
        'carrierarr-imds-guard.service',
        'carrierarr-instance-store.service',
        'nvidia-persistenced.service',
      ]),
    );
    expect(enabled.filter((unit) => /k3s|ollama|nebula/.test(unit))).toEqual([]);
  });
});
