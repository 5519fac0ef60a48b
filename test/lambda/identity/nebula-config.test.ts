import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { ROLES } from '#contract';
import { renderNebulaConfig } from '../../../lambda/identity/nebula-config.ts';
import { settings } from './support/settings.ts';

const mesh = settings().mesh;
const inMesh = settings({ cluster: { ...settings().cluster, nodeNetwork: 'mesh' } });
const server = { meshIp: '10.100.2.1', privateIp: '10.20.0.10' };

describe('the Nebula configuration', () => {
  it.each(ROLES)('of a %s is the reviewed one', async (role) => {
    await expect(renderNebulaConfig(settings(), role)).toMatchFileSnapshot(`../../golden/nebula/config-${role}.yml`);
  });

  it.each(ROLES)('of a %s is YAML without repeated keys', (role) => {
    expect(() => parse(renderNebulaConfig(settings(), role), { strict: true, uniqueKeys: true })).not.toThrow();
  });

  it.each(ROLES)('of a %s whose node has a mesh address is the reviewed one', async (role) => {
    const config = renderNebulaConfig(inMesh, role, role === 'gpu-worker' ? server : undefined);

    await expect(config).toMatchFileSnapshot(`../../golden/nebula/config-${role}-mesh.yml`);
    expect(() => parse(config, { strict: true, uniqueKeys: true })).not.toThrow();
  });

  it.each(ROLES)('of a %s opens ports between workers only where nodes have mesh addresses', (role) => {
    const rules = [settings(), inMesh].map((given) => parse(renderNebulaConfig(given, role)).firewall.inbound);

    const ports = rules.map((inbound: { port: unknown; group?: string }[]) =>
      inbound.filter(({ group }) => group === 'workers').map(({ port }) => port),
    );
    const api = role === 'lighthouse' ? [6443] : [11434];
    expect(ports).toEqual([role === 'lighthouse' ? [] : [11434], [...api, 8472, 4240, 4244, 10250]]);
  });

  it('tells a node of its server below the mesh only where it is reached through the mesh', () => {
    const hosts = [settings(), inMesh].map((given) => parse(renderNebulaConfig(given, 'gpu-worker', server)));

    expect(hosts.map((config) => config.static_host_map['10.100.2.1'])).toEqual([undefined, ['10.20.0.10:4242']]);
  });

  it('lets workers reach Ollama on a gpu-worker only', () => {
    const rules = ROLES.map((role) => parse(renderNebulaConfig(settings(), role)).firewall.inbound as object[]);

    expect(rules.map((inbound) => inbound.filter((rule) => JSON.stringify(rule).includes('11434')))).toEqual([
      [],
      [{ port: 11434, proto: 'tcp', group: 'workers' }],
    ]);
  });

  it('opens nothing to every peer but ping', () => {
    const { inbound } = parse(renderNebulaConfig(settings(), 'lighthouse')).firewall;

    expect(inbound.filter((rule: { host?: string }) => rule.host === 'any')).toEqual([
      { port: 'any', proto: 'icmp', host: 'any' },
    ]);
  });

  it('follows the settings for every address, and shuts out all networks that live inside a cluster', () => {
    const changed = settings({
      mesh: {
        ...mesh,
        cidr: '10.200.0.0/16',
        lighthouseAddress: '10.200.0.1',
        lighthouseEndpoint: 'home.example:4300',
      },
      network: {
        ...settings().network,
        vpcCidr: '172.31.0.0/16',
        podCidr: '10.52.0.0/16',
        serviceCidr: '10.52.0.0/16',
      },
    });

    const config = parse(renderNebulaConfig(changed, 'gpu-worker'));

    expect(config.static_host_map).toEqual({ '10.200.0.1': ['home.example:4300'] });
    expect(config.lighthouse.hosts).toEqual(['10.200.0.1']);
    expect(config.preferred_ranges).toEqual(['172.31.0.0/16']);
    expect(config.lighthouse.remote_allow_list).toEqual({
      '10.52.0.0/16': false,
      '10.244.0.0/16': false,
      '10.200.0.0/16': false,
      '0.0.0.0/0': true,
    });
  });
});
