import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { ROLES } from '#contract';
import { renderNebulaConfig } from '../../../lambda/identity/nebula-config.ts';
import { settings } from './support/settings.ts';

const mesh = settings().mesh;

describe('the Nebula configuration', () => {
  it.each(ROLES)('of a %s is the reviewed one', async (role) => {
    await expect(renderNebulaConfig(settings(), role)).toMatchFileSnapshot(`../../golden/nebula/config-${role}.yml`);
  });

  it.each(ROLES)('of a %s is YAML without repeated keys', (role) => {
    expect(() => parse(renderNebulaConfig(settings(), role), { strict: true, uniqueKeys: true })).not.toThrow();
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
