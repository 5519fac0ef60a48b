import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { type FleetSettings, ROLES } from '#contract';
import { PRIVATE_IP, renderAgentConfig, renderServerConfig } from '../../../lambda/identity/k3s-config.ts';
import { settings } from './support/settings.ts';

const server = { name: 'lh-1', role: 'lighthouse', address: '10.100.2.1' } as const;
const node = { name: 'gpu-1', role: 'gpu-worker', address: '10.100.2.2' } as const;
const URLS = { vpc: 'https://10.20.0.10:6443', mesh: 'https://10.100.2.1:6443' };

const withCluster = (cluster: Partial<FleetSettings['cluster']>) =>
  settings({ cluster: { ...settings().cluster, ...cluster } });
const render = (role: (typeof ROLES)[number], given = settings()) =>
  role === 'lighthouse'
    ? renderServerConfig(given, server)
    : renderAgentConfig(given, node, URLS[given.cluster.nodeNetwork]);

describe('the k3s configuration', () => {
  it.each(ROLES.flatMap((role) => (['vpc', 'mesh'] as const).map((network) => [role, network] as const)))(
    'of a %s in the %s is the reviewed one',
    async (role, nodeNetwork) => {
      const text = render(role, withCluster({ nodeNetwork }));

      expect(() => parse(text, { strict: true, uniqueKeys: true })).not.toThrow();
      await expect(text).toMatchFileSnapshot(`../../golden/k3s/${role}-${nodeNetwork}.yml`);
    },
  );

  it.each(ROLES)('of a %s holds neither a token nor a public address', (role) => {
    const config = parse(render(role));

    expect(Object.keys(config)).not.toEqual(expect.arrayContaining(['token']));
    expect(config).not.toHaveProperty('agent-token');
    expect(config).not.toHaveProperty('node-external-ip');
  });

  it('leaves kube-proxy to k3s exactly where Cilium does not replace it', () => {
    const both = [true, false].map((kubeProxyReplacement) =>
      parse(render('lighthouse', withCluster({ kubeProxyReplacement }))),
    );

    expect(both.map((config) => config['disable-kube-proxy'])).toEqual([true, undefined]);
  });

  it('follows the settings: components, taint and ranges', () => {
    const changed = { ...withCluster({ disable: [], gpuTaint: false }) };
    const network = { ...changed.network, podCidr: '10.52.0.0/16', serviceCidr: '10.53.0.0/20' };

    const config = parse(render('lighthouse', { ...changed, network }));

    expect(config).toMatchObject({ 'cluster-cidr': '10.52.0.0/16', 'cluster-dns': '10.53.0.10' });
    expect(config).not.toHaveProperty('disable');
    expect(parse(render('gpu-worker', changed))).not.toHaveProperty('node-taint');
  });

  it('has one place only for the address that the boot puts in, and none where nodes are in the mesh', () => {
    expect(parse(render('gpu-worker'))['node-ip']).toBe(PRIVATE_IP);
    expect(render('gpu-worker', withCluster({ nodeNetwork: 'mesh' }))).not.toContain(PRIVATE_IP);
  });
});
