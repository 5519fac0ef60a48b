import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { MINIMUM_AGENT } from '../../lambda/shared/agent-version.ts';
import { DEFAULTS } from '../../lib/config/defaults.ts';

const lines = readFileSync('ami/versions.env', 'utf8')
  .split('\n')
  .filter((line) => line !== '' && !line.startsWith('#'));
const versions = new Map(lines.map((line) => line.split('=', 2) as [string, string]));

describe('the list of versions', () => {
  it('can be read by a shell and by anybody else', () => {
    expect(lines.filter((line) => !/^[A-Z][A-Za-z0-9_]*=[A-Za-z0-9.+_-]+$/.test(line))).toEqual([]);
    expect(versions.size).toBe(lines.length);
  });

  it('has checksums, each of a version, and none that is not one', () => {
    const checksums = [...versions].filter(([name]) => name.includes('SHA256'));

    expect(checksums.length).toBeGreaterThan(0);
    expect(checksums.filter(([, value]) => !/^[0-9a-f]{64}$/.test(value))).toEqual([]);
    expect(checksums.filter(([name]) => !/^[A-Z0-9_]+_SHA256_v?[0-9]\w*$/.test(name))).toEqual([]);
  });

  it('names the versions that the configuration names', () => {
    const { cilium, k3s, liqo } = DEFAULTS;

    expect(versions.get('K3S_VERSION')).toBe(k3s.version);
    expect(versions.get('CILIUM_VERSION')).toBe(cilium.version);
    expect(versions.get('LIQO_VERSION')).toBe(liqo.version);
  });

  it('names the device plugin that the manifest names', () => {
    const manifest = readFileSync(
      'ami/lighthouse/files/var/lib/rancher/k3s/server/manifests/nvidia-device-plugin.yaml',
      'utf8',
    );

    expect(manifest).toContain(`nvcr.io/nvidia/k8s-device-plugin:${versions.get('NVIDIA_DEVICE_PLUGIN_VERSION')}\n`);
  });

  it('names a Nebula that tells systemd when it is ready', () => {
    const [major = 0, minor = 0] = (versions.get('NEBULA_VERSION') ?? '').split('.').map(Number);

    expect([major, minor >= 8]).toEqual([1, true]);
  });

  it('demands the agent that the documents and the function demand', () => {
    const minimum = MINIMUM_AGENT.join('.');

    expect(versions.get('SSM_AGENT_MINIMUM_VERSION')).toBe(minimum);
    expect(readFileSync('ssm/lib/prologue.sh', 'utf8')).toContain(`SSM agent older than ${minimum}`);
  });
});
