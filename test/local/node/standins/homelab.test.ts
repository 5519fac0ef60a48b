import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { makeHomelabCluster } from '../../../../local/node/standins/cluster/homelab.ts';
import { type Served, serve } from './helpers.ts';

describe('the homelab that is played', () => {
  let served: Served;
  beforeEach(async () => {
    served = await serve(makeHomelabCluster({ cilium: { mtu: '1200', devices: null } }));
  });
  afterEach(() => served.api.close());

  it('has three nodes, all ready', async () => {
    const nodes = await served.client.list({ resource: 'nodes' });

    expect(nodes.map(({ metadata }) => metadata.name)).toEqual(['talos00', 'talos01', 'talos02']);
    for (const node of nodes) expect(JSON.stringify(node.status)).toContain('"type":"Ready","status":"True"');
  });

  it('runs every workload it has, the control plane under the strictest PodSecurity', async () => {
    const deployments = await served.client.list({ resource: 'deployments' });

    expect(deployments.map(({ metadata }) => metadata.name)).toEqual(
      expect.arrayContaining(['carrierarr-control-plane', 'mesh-door', 'nebula-lighthouse']),
    );
    for (const { status } of deployments) expect(status).toMatchObject({ readyReplicas: 1 });
  });

  it('can be given Cilium values that Liqo cannot live with', async () => {
    const map = await served.client.get({ resource: 'cm', namespace: 'kube-system', name: 'cilium-config' });

    expect(map.data).toMatchObject({ mtu: '1200' });
    expect(map.data).not.toHaveProperty('devices');
  });

  it('does not say on its certificate that it is the mesh address of the lighthouse', () => {
    expect(served.cluster.options.certificateNames).not.toContain('10.100.0.1');
  });
});
