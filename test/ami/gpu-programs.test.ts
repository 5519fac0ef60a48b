import { resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CILIUM_IMAGES, publishK3s, publishTools } from './support/artifacts.ts';
import { GpuSandbox, publishOllama } from './support/gpu-sandbox.ts';

let sandbox: GpuSandbox;
beforeEach(() => {
  sandbox = new GpuSandbox();
});
afterEach(() => sandbox.remove());

describe('k3s on a gpu-worker', () => {
  const PAUSE = 'docker.io/rancher/mirrored-pause:3.6';
  const HELM_JOB = 'docker.io/rancher/klipper-helm:v1';
  const images = () => sandbox.read('var/lib/rancher/k3s/agent/containerd/images').trim().split('\n');
  beforeEach(() => {
    publishTools(sandbox);
    publishK3s(sandbox);
    sandbox.says('k3s-images', `${HELM_JOB}\n${PAUSE}\n`);
  });

  it("holds what runs on every node: of its release's images the pause, of Cilium's the agent", () => {
    expect(sandbox.gpu('50-k3s-agent')).toMatchObject({ status: 0, stderr: '' });

    expect(images()).toEqual([PAUSE, CILIUM_IMAGES[0]]);
    expect(sandbox.manifest().versions).toMatchObject({ k3s: {}, 'k3s-images': {} });
    expect(sandbox.exists('usr/local/bin/helm')).toBe(false);
  });

  it('is an agent that never ran, so there is no identity', () => {
    sandbox.gpu('50-k3s-agent');

    expect(sandbox.calls().join('\n')).not.toMatch(/k3s (server|agent)/);
    expect(sandbox.exists('etc/rancher')).toBe(false);
  });

  it('changes nothing the second time', () => {
    sandbox.gpu('50-k3s-agent');
    sandbox.forgetCalls();

    expect(sandbox.gpu('50-k3s-agent').status).toBe(0);

    expect(sandbox.downloads()).toEqual([]);
    expect(images()).toEqual([PAUSE, CILIUM_IMAGES[0]]);
  });

  it('is not done without the pause', () => {
    sandbox.says('k3s-images', `${HELM_JOB}\n`);

    expect(sandbox.gpu('50-k3s-agent')).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('mirrored-pause'),
    });
  });

  it.each(['K3S', 'K3S_IMAGES', 'HELM', 'CILIUM_CHART'])('is refused where the checksum of %s is wrong', (product) => {
    const version = sandbox.version(`${product.replace(/_(IMAGES|CHART)$/, '')}_VERSION`);
    sandbox.pin(product, version, '0'.repeat(64));

    expect(sandbox.gpu('50-k3s-agent')).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('not the file that was verified'),
    });
  });
});

describe('Ollama', () => {
  const RELEASES = 'https://github.com/ollama/ollama/releases';
  const OLD = 'ollama-linux-amd64.tgz';

  /** What the address of the newest release leads to. */
  const newest = (address: string) =>
    sandbox.program(
      'curl',
      `[[ $* == *--head* ]] || exec '${resolve('test/ami/support/standins/curl')}' "$@"\nprintf %s '${address}'`,
    );
  const libraries = () =>
    sandbox
      .run(['ls', sandbox.path('usr/local/lib/ollama')])
      .stdout.trim()
      .split('\n');

  it('is by default the newest release, whose tag and checksum the image tells', () => {
    const sum = publishOllama(sandbox, '0.32.7');
    newest(`${RELEASES}/tag/v0.32.7`);

    const { status, stdout } = sandbox.gpu('60-ollama');

    expect(status).toBe(0);
    expect(stdout).toContain('newest Ollama is 0.32.7');
    expect(sandbox.manifest().versions).toEqual({ ollama: { version: '0.32.7', sha256: sum } });
    expect(sandbox.run([sandbox.path('usr/local/bin/ollama')]).stdout).toContain('0.32.7');
  });

  it('comes where nobody has a home, as with cloud-init and Image Builder', () => {
    publishOllama(sandbox, '0.32.7');
    const script = `${sandbox.tree}/gpu-worker/scripts/60-ollama.sh`;

    const { status, stderr } = sandbox.run(['env', '-u', 'HOME', 'bash', script], {
      IMAGE: 'gpu-worker',
      OLLAMA_VERSION: '0.32.7',
    });

    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  });

  it.each([
    ['550', ['cuda_v12', 'libggml-base.so']],
    ['580', ['cuda_v13', 'libggml-base.so']],
  ])('keeps the CUDA that driver %s loads', (driver, left) => {
    publishOllama(sandbox, '0.32.7');

    sandbox.gpu('60-ollama', { OLLAMA_VERSION: 'v0.32.7', NVIDIA_DRIVER_VERSION: driver });

    expect(libraries()).toEqual(left);
  });

  it('may be an older release, with its older archive and one CUDA only', () => {
    publishOllama(sandbox, '0.5.7', { asset: OLD, cuda: ['cuda_v12'] });

    expect(sandbox.gpu('60-ollama', { OLLAMA_VERSION: '0.5.7', NVIDIA_DRIVER_VERSION: '580' }).status).toBe(0);

    expect(sandbox.downloads()).toContain(`${RELEASES}/download/v0.5.7/${OLD}`);
    expect(libraries()).toEqual(['cuda_v12', 'libggml-base.so']);
  });

  it('is neither fetched nor unpacked twice', () => {
    publishOllama(sandbox, '0.32.7', { cuda: ['cuda_v12'] });
    sandbox.gpu('60-ollama', { OLLAMA_VERSION: '0.32.7' });
    const before = sandbox.snapshot();
    sandbox.forgetCalls();

    expect(sandbox.gpu('60-ollama', { OLLAMA_VERSION: '0.32.7' }).status).toBe(0);

    expect(sandbox.downloads()).toEqual([`${RELEASES}/download/v0.32.7/sha256sum.txt`]);
    const usr = (files: Record<string, string>) => Object.entries(files).filter(([name]) => name.startsWith('usr'));
    expect(usr(sandbox.snapshot())).toEqual(usr(before));
  });

  it.each<[string, () => void, string]>([
    [
      "not what the release's own list says",
      () => publishOllama(sandbox, '0.9.9', { sum: '3'.repeat(64) }),
      'has sha256',
    ],
    [
      'not what versions.env says',
      () => {
        publishOllama(sandbox, '0.9.9', { cuda: ['cuda_v12'] });
        sandbox.pin('OLLAMA', '0.9.9', '4'.repeat(64));
      },
      `versions.env says ${'4'.repeat(64)}`,
    ],
    [
      'not among the checksums',
      () => publishOllama(sandbox, '0.9.9', { asset: 'ollama-linux-arm64.tar.zst' }),
      'name no archive for linux-amd64',
    ],
    ['not there', () => undefined, 'Ollama 0.9.9 has no'],
    [
      'without CUDA for the driver',
      () => publishOllama(sandbox, '0.9.9', { cuda: ['cuda_v13'] }),
      'brings no CUDA for driver 550.163.01',
    ],
  ])('is not installed when it is %s', (_, arrange, reason) => {
    arrange();

    const { status, stderr } = sandbox.gpu('60-ollama', { OLLAMA_VERSION: '0.9.9' });

    expect(status).toBe(1);
    expect(stderr).toContain(reason);
    expect(sandbox.exists('usr/local/bin/ollama')).toBe(false);
  });

  it.each(['', 'https://example.org/login', `${RELEASES}/tag/v1;reboot`])(
    'is not looked for where the newest release is said to be at %j',
    (address) => {
      newest(address);

      const { status, stderr } = sandbox.gpu('60-ollama');

      expect(status).toBe(1);
      expect(stderr).toContain("OLLAMA_VERSION is 'latest' and leads to");
      expect(sandbox.downloads()).toEqual([]);
    },
  );
});

describe('what is in the image', () => {
  const faults = () => {
    const lines = ['set -euo pipefail', 'source "$BAKE_DIR/lib/bake.sh"', 'source "$BAKE_DIR/lib/validate.sh"'];
    const text = [...lines, 'source "$BAKE_DIR/gpu-worker/validate.sh"', 'validate_image'].join('\n');
    return sandbox.run(['bash', '-c', text], { IMAGE: 'gpu-worker' }).stderr;
  };
  beforeEach(() => {
    sandbox.driver('550.163.01');
    for (const program of ['ollama', 'k3s']) sandbox.write(`usr/local/bin/${program}`, '', 0o755);
  });

  it('is fit where driver and programs are there', () => {
    expect(faults()).toBe('');
  });

  it.each<[string, () => void, string]>([
    ['its kernel is not the one that the module is for', () => sandbox.says('grubby', '/boot/vmlinuz-6.1.9'), '6.1.9'],
    ['nvidia-uvm is missing', () => sandbox.module('nvidia-uvm', '6.1.9'), 'nvidia-uvm'],
    [
      'it holds a model',
      () => sandbox.write('var/lib/private/ollama/models/blobs/x', ''),
      'models belong on the instance',
    ],
    ['there is no Ollama', () => sandbox.discard('usr/local/bin/ollama'), '/usr/local/bin/ollama is missing'],
    ['k3s would find no runtime', () => sandbox.discard('usr/bin/nvidia-container-runtime'), 'no container a GPU'],
  ])('is not fit where %s', (_, spoil, reason) => {
    spoil();

    expect(faults()).toContain(reason);
  });
});
