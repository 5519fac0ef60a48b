import { describe, expect, it } from 'vitest';
import { configWarnings, parseConfig, toFleetSettings } from '../../lib/config.ts';
import { faultsOf, fieldsOf } from './support/config-faults.ts';

const warningsOf = (...layers: unknown[]): string[] => configWarnings(parseConfig(...layers)).map(({ id }) => id);

describe('defaults of the clusters', () => {
  const config = parseConfig();

  it('are the seed’s where those work', () => {
    expect(config.cilium).toMatchObject({
      ipamMode: 'kubernetes',
      kubeProxyReplacement: true,
      hubble: true,
      hubbleRelay: true,
      clusterMeshPort: 32379,
    });
    expect(config.liqo).toMatchObject({ enabled: true, gatewayPort: 32380, networking: true, inBand: false });
  });

  it('are the proven ones where the seed’s break', () => {
    expect(config.k3s).toMatchObject({ nodeNetwork: 'vpc', disable: ['traefik', 'servicelb'] });
    expect(config.cilium).toMatchObject({ apiServer: 'local', clusterMesh: false, devices: 'en', mtu: 0 });
    expect(config.liqo).toMatchObject({ direction: 'homelab-consumes-aws', gatewayPath: 'public', mtu: 1140 });
  });

  it('ask for a GPU, and keep other pods off its node', () => {
    expect(config.liqo.resources).toEqual({ cpu: '4', memory: '8Gi', pods: '110', extra: { 'nvidia.com/gpu': '1' } });
    expect(config.cluster.gpuTaint).toBe(true);
  });
});

describe('the seed’s values', () => {
  it('are all reachable', () => {
    const seed = {
      k3s: { nodeNetwork: 'mesh' },
      cilium: { apiServer: 'mesh', clusterMesh: true, kubeProxyReplacement: true },
      liqo: { direction: 'aws-consumes-homelab', mtu: 1340 },
    };

    expect(faultsOf(seed)).toEqual([]);
    expect(warningsOf(seed)).toEqual(expect.arrayContaining(['mesh-nodes', 'foreign-mtu']));
  });
});

describe('parsing the clusters', () => {
  it('refuses a gateway on the mesh where nothing serves its NodePort there', () => {
    expect(fieldsOf({ liqo: { gatewayPath: 'mesh' } })).toEqual(['liqo.gatewayPath']);
    expect(fieldsOf({ liqo: { gatewayPath: 'mesh' }, cilium: { kubeProxyReplacement: false } })).toEqual([]);
  });

  it('refuses one NodePort for two services, where both are there', () => {
    const ports = { cilium: { clusterMesh: true, clusterMeshPort: 32380 } };

    expect(fieldsOf(ports)).toEqual(['cilium.clusterMeshPort']);
    expect(fieldsOf(ports, { cilium: { clusterMesh: false } })).toEqual([]);
  });

  it('refuses two clusters of one name', () => {
    expect(fieldsOf({ cluster: { name: 'catalyst-homelab' } })).toEqual(['cluster.name']);
  });

  it('refuses an API in the tunnel where there is no tunnel', () => {
    expect(fieldsOf({ liqo: { inBand: true, networking: false } })).toEqual(['liqo.inBand']);
    expect(warningsOf({ liqo: { inBand: true } })).toContain('in-band');
  });

  it('refuses a LAN that overlaps the VPC: one of them would be out of reach', () => {
    expect(faultsOf({ network: { vpcCidr: '192.168.0.0/16' } })).toMatchObject([
      { field: 'network.vpcCidr', what: 'overlaps homelab.lanCidr' },
    ]);
  });

  it.each([
    ['a name that Liqo would refuse', { cluster: { name: 'AWS_k3s' } }, 'cluster.name'],
    ['a door that is no URL', { homelab: { door: 'mesh-door:3128' } }, 'homelab.door'],
    ['a quantity that Kubernetes does not know', { liqo: { resources: { memory: '8GB' } } }, 'liqo.resources.memory'],
    ['draining for longer than its step may run', { liqo: { drainSeconds: 600 } }, 'liqo.drainSeconds'],
    ['a device pattern with its plus sign', { cilium: { devices: 'en+' } }, 'cilium.devices'],
  ])('refuses %s', (_, layer, field) => {
    expect(fieldsOf(layer)).toEqual([field]);
  });

  it('takes Helm values that a step can carry, and no others', () => {
    const values = { 'socketLB.hostNamespaceOnly': 'true', 'tolerations[0].operator': 'Exists' };

    expect(parseConfig({ cilium: { values } }).cilium.values).toEqual(values);
    expect(faultsOf({ cilium: { values: { a: '$(reboot)' } } })).toHaveLength(1);
    expect(fieldsOf({ cilium: { values: { a: 'x'.repeat(1000) } } })).toEqual(['cilium.values']);
  });

  it('takes no door: some homelabs reach the mesh from every pod', () => {
    expect(parseConfig({ homelab: { door: '' } }).homelab.door).toBe('');
  });
});

describe('settings of the clusters', () => {
  it('are what the identity function writes into the configuration of k3s', () => {
    const config = parseConfig({ k3s: { nodeNetwork: 'mesh', disable: [] }, cilium: { kubeProxyReplacement: false } });

    expect(toFleetSettings(config, ['subnet-1']).cluster).toEqual({
      name: 'aws-k3s',
      nodeNetwork: 'mesh',
      kubeProxyReplacement: false,
      disable: [],
      gpuTaint: true,
    });
  });
});
