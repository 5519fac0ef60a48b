import { describe, expect, it } from 'vitest';
import { GPU_WORKER_STEPS, LIGHTHOUSE_STEPS } from '../support/life-steps.ts';
import { callOf, live, parametersOf, phasesOf, SEED, stepsOf, WITHOUT_LIQO } from './support/lives.ts';
import { FENCED_LIGHTHOUSE } from './support/replies.ts';

describe('a lighthouse', () => {
  it('opens its cluster, is peered with the homelab’s and proves it', async () => {
    const walked = await live({ role: 'lighthouse' });

    expect(stepsOf(walked)).toEqual(['homelab-preflight', 'await-boot', 'verify-nebula', ...LIGHTHOUSE_STEPS]);
    expect(walked.output).toMatchObject({ outcome: 'ready', role: 'lighthouse', cluster: 'aws-k3s' });
  });

  it('records each phase with what its steps found out', async () => {
    expect(phasesOf(await live({ role: 'lighthouse' }))).toEqual([
      ['BOOTED', {}],
      ['MESHED', {}],
      ['CLUSTERED', { caHash: 'a'.repeat(64) }],
      ['PEERED', { virtualNode: 'aws-k3s', capacity: '{"cpu":"4","nvidia.com/gpu":"1"}' }],
      ['READY', {}],
    ]);
  });

  it('asks the homelab before it costs anything, and needs it', async () => {
    const walked = await live({ role: 'lighthouse' });

    expect(callOf(walked, 'FindHomelab').payload.required).toBe(true);
    expect(walked.states.indexOf('HomelabPreflightDone')).toBeLessThan(walked.states.indexOf('IssueIdentity'));
  });

  it('hands the credential over from its own instance to the homelab’s node, and takes it away once peered', async () => {
    const walked = await live({ role: 'lighthouse' });

    expect(callOf(walked, 'PeerClustersOpen').payload).toMatchObject({
      purpose: 'aws',
      writer: 'arn:aws:ec2:us-west-2:111122223333:instance/i-0123456789abcdef0',
      reader: 'arn:aws:ssm:us-west-2:111122223333:managed-instance/mi-0123456789abcdef0',
    });
    expect(walked.states.indexOf('PeerClustersClose')).toBeLessThan(walked.states.indexOf('VerifyPeering'));
  });

  it('is peered through the door, over the public address', async () => {
    expect(parametersOf(await live({ role: 'lighthouse' }), 'PeerClusters')).toMatchObject({
      ProviderClusterId: 'aws-k3s',
      ProviderUrl: 'https://10.100.2.1:6443',
      ProxyUrl: 'http://mesh-door.carrierarr-mesh.svc:3128',
      GatewayAddress: '203.0.113.9',
      GatewayLocation: 'Provider',
      GatewayPort: '32380',
      Mtu: '1140',
      Resources: 'nvidia.com/gpu=1',
    });
  });

  it('reserves what Liqo must not remap into, but never what lies in its own ranges', async () => {
    const walked = await live({ role: 'lighthouse' });

    expect(parametersOf(walked, 'InstallLiqoAws').ReservedSubnets).toBe('10.100.0.0/16,10.80.0.0/16,192.168.1.0/24');
    expect(parametersOf(walked, 'InstallLiqoHomelab').ReservedSubnets).toBe('10.80.0.0/16,192.168.1.0/24');
  });

  it('gives Cilium the local API server and the devices of EC2', async () => {
    expect(parametersOf(await live({ role: 'lighthouse' }), 'InstallCilium')).toMatchObject({
      ApiServerHost: '127.0.0.1',
      ApiServerPort: '6444',
      KubeProxyReplacement: 'true',
      ClusterMesh: 'false',
      Devices: 'en',
      Mtu: '0',
    });
  });

  it('is ready without Liqo, and without a homelab, where the configuration says so', async () => {
    const walked = await live({ role: 'lighthouse', homelab: false }, WITHOUT_LIQO);

    expect(callOf(walked, 'FindHomelab').payload.required).toBe(false);
    expect(stepsOf(walked)).toEqual(['await-boot', 'verify-nebula', 'install-cilium', 'enter-service']);
    expect(phasesOf(walked).map(([phase]) => phase)).toEqual(['BOOTED', 'MESHED', 'CLUSTERED', 'READY']);
  });
});

describe('the seed’s letter', () => {
  it('is reachable: the homelab provides, nodes and gateway on the mesh, ClusterMesh beside it', async () => {
    const walked = await live({ role: 'lighthouse' }, SEED);

    expect(parametersOf(walked, 'InstallCilium')).toMatchObject({
      ApiServerHost: '10.100.2.1',
      ApiServerPort: '6443',
      KubeProxyReplacement: 'false',
      ClusterMesh: 'true',
      ClusterMeshPort: '32379',
      Mtu: '1300',
    });
    expect(parametersOf(walked, 'PeerClustersAws')).toMatchObject({
      ProviderClusterId: 'catalyst-homelab',
      ProviderUrl: 'https://10.100.0.1:6443',
      GatewayAddress: '10.100.2.1',
      GatewayLocation: 'Consumer',
    });
    expect(parametersOf(walked, 'InstallLiqoHomelab').ApiServerUrl).toBe('https://10.100.0.1:6443');
    expect(parametersOf(walked, 'HomelabPreflight')).toMatchObject({ Provides: 'true', ProxyUrl: '' });
    expect(stepsOf(walked)).toEqual(expect.arrayContaining(['homelab-make-peering-user', 'peer', 'verify-peering']));
    expect(stepsOf(walked)).toEqual(expect.arrayContaining(['offer-clustermesh', 'homelab-connect-clustermesh']));
    expect(stepsOf(walked)).not.toContain('homelab-peer');
  });
});

describe('a gpu-worker', () => {
  it('waits for its cluster before it costs anything, joins it and is looked at from its server', async () => {
    const walked = await live({ role: 'gpu-worker' });

    expect(walked.states.indexOf('AwaitClusterDone')).toBeLessThan(walked.states.indexOf('IssueIdentity'));
    expect(callOf(walked, 'IssueIdentity').payload.server).toMatchObject({ server: 'lh', caHash: 'a'.repeat(64) });
    expect(callOf(walked, 'JoinCluster').payload.instanceId).toBe('i-0fedcba9876543210');
    expect(parametersOf(walked, 'JoinCluster')).toEqual({
      NodeName: 'carrierarr-w1',
      Labels: 'carrierarr.io/worker=w1,carrierarr.io/role=gpu-worker',
      Taint: 'nvidia.com/gpu=present:NoSchedule',
      Gpu: 'required',
    });
    expect(stepsOf(walked)).toEqual(['await-boot', 'verify-nebula', 'homelab-verify-mesh', ...GPU_WORKER_STEPS]);
    expect(phasesOf(walked)).toContainEqual(['CLUSTERED', { node: 'carrierarr-w1', gpu: '1' }]);
  });

  it('needs no homelab', async () => {
    const walked = await live({ role: 'gpu-worker', homelab: false });

    expect(callOf(walked, 'FindHomelab').payload.required).toBe(false);
    expect(stepsOf(walked)).toEqual([
      ...['await-boot', 'verify-nebula', 'verify-gpu', 'join-cluster', 'verify-agent', 'enter-service'],
    ]);
  });

  it('is given no server’s name where it is none: a lighthouse joins nothing', async () => {
    const { server } = callOf(await live({ role: 'lighthouse' }), 'IssueIdentity').payload;

    expect(new Set(Object.values(server as object))).toEqual(new Set(['']));
  });
});

describe('a provision that fails', () => {
  it.each([
    ['FindHomelab', 'HomelabOfflineError', 'lighthouse'],
    ['HomelabPreflightPoll', 'PreflightFailedError', 'lighthouse'],
    ['AwaitCluster', 'ClusterUnavailableError', 'gpu-worker'],
  ] as const)('in %s has launched nothing', async (state, error, role) => {
    const walked = await live({ role, failing: { [state]: error } });

    expect(walked.error).toMatchObject({ name: error });
    expect(walked.states).not.toContain('LaunchInstance');
    expect(walked.states).toContain('ReleaseAddress');
  });

  it.each(['lighthouse', 'gpu-worker'] as const)('at its very last step is not ready: %s', async (role) => {
    const walked = await live({ role, failing: { EnterServicePoll: 'StepFailedError' } });

    expect(walked.error).toMatchObject({ name: 'StepFailedError' });
    expect(walked.states).toContain('ReleaseAddress');
    expect(phasesOf(walked).map(([phase]) => phase)).not.toContain('READY');
  });

  it('in the peering is unpeered, with a credential of its own, before its identity goes', async () => {
    const failing = { PeerClustersPoll: 'PeeringFailedError' };
    const walked = await live({ role: 'lighthouse', failing, fenced: FENCED_LIGHTHOUSE });
    const undone = walked.states.slice(walked.states.indexOf('RollBack'));

    expect(walked.error).toMatchObject({ name: 'PeeringFailedError' });
    expect(undone.indexOf('UnpeerClustersDone')).toBeLessThan(undone.indexOf('RevokeIdentity'));
    expect(undone.indexOf('UnpeerClustersDone')).toBeGreaterThan(0);
    expect(callOf(walked, 'PeerClustersUser').payload.run).toBe('');
    expect(callOf(walked, 'UnpeerUser').payload.run).toBe('undo');
  });

  it('says what its roll-back had to carry on from, and nothing of the kind where it had not', async () => {
    const failing = { VerifyPeeringPoll: 'PeeringFailedError', UnpeerUserPoll: 'StepTimedOutError' };
    const walked = await live({ role: 'lighthouse', failing, fenced: FENCED_LIGHTHOUSE });
    const clean = await live({ role: 'lighthouse', failing: { LaunchInstance: 'CapacityError' } });

    expect(walked.error).toEqual({
      name: 'PeeringFailedError',
      cause: 'on purpose | the roll-back carried on from UnpeerUserPoll (StepTimedOutError: on purpose)',
    });
    expect(clean.error).toEqual({ name: 'CapacityError', cause: 'on purpose' });
  });
});
