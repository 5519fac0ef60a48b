import { describe, expect, it } from 'vitest';
import { HOMELAB_STEPS, OPERATIONS, STEPS, type Step } from '#contract';
import { synthesisedMachines } from './support/machines.ts';
import { answering, FENCED_GPU_WORKER, FENCED_LIGHTHOUSE, type World } from './support/replies.ts';
import { type Call, walk, type Walk } from './support/walk.ts';

const DEFAULT = synthesisedMachines();
const EVERYTHING = synthesisedMachines({ liqo: { direction: 'both' }, cilium: { clusterMesh: true } });
const SEED = synthesisedMachines({
  k3s: { nodeNetwork: 'mesh' },
  cilium: { apiServer: 'mesh', clusterMesh: true, kubeProxyReplacement: false },
  liqo: { direction: 'aws-consumes-homelab', gatewayPath: 'mesh' },
});
const WITHOUT_LIQO = synthesisedMachines({ liqo: { enabled: false }, agent: { verify: false } });

const live = async (world: World, machines = DEFAULT): Promise<Walk> => {
  if (machines.provision === undefined) throw new Error('no machine');
  return await walk(machines.provision, {}, answering(world));
};
const die = async (world: World, machines = DEFAULT): Promise<Walk> => {
  if (machines.teardown === undefined) throw new Error('no machine');
  return await walk(machines.teardown, { name: 'w1' }, answering(world));
};

/** Steps in the order in which they are started, each with the node it runs on. */
const stepsOf = ({ calls }: Walk): string[] =>
  calls.filter(({ operation }) => operation === 'start').map(({ payload }) => String(payload.step));
const startOf = ({ calls }: Walk, state: string): Call => {
  const call = calls.find((each) => each.state === state);
  if (call === undefined) throw new Error(`${state} was not entered`);
  return call;
};
const parametersOf = (walked: Walk, state: string): Record<string, string> =>
  startOf(walked, state).payload.parameters as Record<string, string>;
const phasesOf = ({ calls }: Walk): [unknown, unknown][] =>
  calls.filter(({ operation }) => operation === 'advance').map(({ payload }) => [payload.phase, payload.details]);

describe('a lighthouse', () => {
  it('opens its cluster, is peered with the homelab’s and proves it', async () => {
    const walked = await live({ role: 'lighthouse' });

    expect(stepsOf(walked)).toEqual([
      'homelab-preflight',
      'await-boot',
      'verify-nebula',
      'homelab-verify-mesh',
      'install-cilium',
      'install-liqo',
      'homelab-install-liqo',
      'make-peering-user',
      'homelab-peer',
      'homelab-verify-peering',
      'verify-agent',
      'homelab-verify-agent',
    ]);
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
    const { states, calls } = await live({ role: 'lighthouse' });

    expect(startOf({ calls } as Walk, 'FindHomelab').payload.required).toBe(true);
    expect(states.indexOf('HomelabPreflightDone')).toBeLessThan(states.indexOf('IssueIdentity'));
  });

  it('hands the credential over from its own instance to the homelab’s node, and takes it away once peered', async () => {
    const walked = await live({ role: 'lighthouse' });

    expect(startOf(walked, 'PeerClustersOpen').payload).toMatchObject({
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

    expect(startOf(walked, 'FindHomelab').payload.required).toBe(false);
    expect(stepsOf(walked)).toEqual(['await-boot', 'verify-nebula', 'install-cilium']);
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
    expect(startOf(walked, 'IssueIdentity').payload.server).toMatchObject({ server: 'lh', caHash: 'a'.repeat(64) });
    expect(startOf(walked, 'JoinCluster').payload.instanceId).toBe('i-0fedcba9876543210');
    expect(parametersOf(walked, 'JoinCluster')).toEqual({
      NodeName: 'carrierarr-w1',
      Labels: 'carrierarr.io/worker=w1,carrierarr.io/role=gpu-worker',
      Taint: 'nvidia.com/gpu=present:NoSchedule',
      Gpu: 'required',
    });
    expect(stepsOf(walked)).toEqual([
      'await-boot',
      'verify-nebula',
      'homelab-verify-mesh',
      'verify-gpu',
      'join-cluster',
      'verify-agent',
      'homelab-verify-agent',
    ]);
    expect(phasesOf(walked)).toContainEqual(['CLUSTERED', { node: 'carrierarr-w1', gpu: '1' }]);
  });

  it('needs no homelab', async () => {
    const walked = await live({ role: 'gpu-worker', homelab: false });

    expect(startOf(walked, 'FindHomelab').payload.required).toBe(false);
    expect(stepsOf(walked)).toEqual(['await-boot', 'verify-nebula', 'verify-gpu', 'join-cluster', 'verify-agent']);
  });

  it('is given no server’s name where it is none: a lighthouse joins nothing', async () => {
    const { server } = startOf(await live({ role: 'lighthouse' }), 'IssueIdentity').payload;

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

  it('in the peering is unpeered, with a credential of its own, before its identity goes', async () => {
    const failing = { PeerClustersPoll: 'PeeringFailedError' };
    const walked = await live({ role: 'lighthouse', failing, fenced: FENCED_LIGHTHOUSE });
    const undone = walked.states.slice(walked.states.indexOf('RollBack'));

    expect(walked.error).toMatchObject({ name: 'PeeringFailedError' });
    expect(undone.indexOf('UnpeerClustersDone')).toBeLessThan(undone.indexOf('RevokeIdentity'));
    expect(undone.indexOf('UnpeerClustersDone')).toBeGreaterThan(0);
    expect(startOf(walked, 'PeerClustersUser').payload.run).toBe('');
    expect(startOf(walked, 'UnpeerUser').payload.run).toBe('undo');
  });
});

describe('a teardown', () => {
  it('of a lighthouse unpeers, forgets and then terminates', async () => {
    const walked = await die({ fenced: FENCED_LIGHTHOUSE });

    expect(stepsOf(walked)).toEqual([
      'make-peering-user',
      'homelab-unpeer',
      'delete-peering-user',
      'homelab-forget-cluster',
    ]);
    expect(startOf(walked, 'UnpeerOpen').payload).toMatchObject({
      writer: 'arn:aws:ec2:us-west-2:111122223333:instance/i-0123456789abcdef0',
    });
    expect(walked.states.indexOf('UnpeerClose')).toBeLessThan(walked.states.indexOf('RevokeIdentity'));
    expect(walked.output).toMatchObject({ outcome: 'fenced', skipped: [] });
  });

  it('of a gpu-worker drains its node from the cluster’s server', async () => {
    const walked = await die({ fenced: FENCED_GPU_WORKER });

    expect(stepsOf(walked)).toEqual(['leave-cluster']);
    expect(startOf(walked, 'DrainNode').payload).toMatchObject({ instanceId: 'i-0fedcba9876543210', name: 'w1' });
    expect(parametersOf(walked, 'DrainNode').NodeName).toBe('carrierarr-w1');
  });

  it('of a worker that never got so far asks nobody', async () => {
    expect(stepsOf(await die({}))).toEqual([]);
    expect(stepsOf(await die({ fenced: { ...FENCED_GPU_WORKER, serverInstanceId: '' } }))).toEqual([]);
  });

  it('takes back both open commands first', async () => {
    const fenced = { ...FENCED_LIGHTHOUSE, commandId: 'c1', homelabInstanceId: 'mi-1', homelabCommandId: 'c2' };
    const { calls } = await die({ fenced });

    expect(calls.slice(1, 3).map(({ capability, payload }) => [capability, payload.commandId])).toEqual([
      ['run-command', 'c1'],
      ['homelab', 'c2'],
    ]);
  });

  it.each(['UnpeerOpen', 'UnpeerUser', 'UnpeerUserPoll', 'UnpeerClusters', 'UnpeerClustersPoll'])(
    'unpeers by force where %s fails',
    async (state) => {
      const walked = await die({ fenced: FENCED_LIGHTHOUSE, failing: { [state]: 'StepFailedError' } });

      expect(parametersOf(walked, 'ForceUnpeer')).toMatchObject({ ProviderClusterId: 'aws-k3s', SecretId: '' });
      expect(startOf(walked, 'ForceUnpeer').payload.run).toBe('force');
      expect(walked.states).toContain('UnpeerForget');
      expect(walked.output).toMatchObject({
        skipped: [{ step: state, error: 'StepFailedError', cause: 'on purpose' }],
      });
    },
  );

  it('unpeers by force where the instance is gone', async () => {
    expect(stepsOf(await die({ fenced: { ...FENCED_LIGHTHOUSE, instanceId: '' } }))).toEqual([
      'homelab-unpeer',
      'homelab-forget-cluster',
    ]);
  });

  it('says what is left to do where the homelab is offline', async () => {
    const walked = await die({ fenced: FENCED_LIGHTHOUSE, homelab: false });

    expect(stepsOf(walked)).toEqual([]);
    expect(walked.states).toContain('UnpeerClose');
    expect(walked.output).toMatchObject({
      skipped: [{ error: 'HomelabOfflineError', cause: expect.stringContaining('liqoctl force unpeer aws-k3s') }],
    });
  });

  it('terminates whatever fails before', async () => {
    const walked = await die({ fenced: FENCED_LIGHTHOUSE });
    const before = walked.calls.slice(
      1,
      walked.calls.findIndex(({ state }) => state === 'TerminateInstance'),
    );
    const failing = Object.fromEntries(
      [...before.map(({ state }) => state), 'ForceUnpeer', 'ForceUnpeerPoll'].map((state) => [state, 'States.Timeout']),
    );
    for (const state of Object.keys(failing)) {
      const alone = await die({ fenced: FENCED_LIGHTHOUSE, failing: { [state]: 'States.DataLimitExceeded' } });

      expect(alone.states, state).toContain('MarkRemoved');
    }
    expect((await die({ fenced: FENCED_LIGHTHOUSE, failing })).states).toContain('MarkRemoved');
  });

  it('undoes both directions where both were peered', async () => {
    expect(stepsOf(await die({ fenced: FENCED_LIGHTHOUSE }, EVERYTHING))).toEqual([
      'homelab-make-peering-user',
      'unpeer',
      'make-peering-user',
      'homelab-unpeer',
      'delete-peering-user',
      'homelab-forget-cluster',
    ]);
  });
});

describe('every call', () => {
  const STEP_TABLE: Readonly<Record<string, Step>> = { ...STEPS, ...HOMELAB_STEPS };
  const worlds: World[] = [{ role: 'lighthouse' }, { role: 'gpu-worker' }];
  const failing = { PeerClustersPoll: 'PeeringFailedError', UnpeerUserPoll: 'StepFailedError' };
  const calls = async (): Promise<Call[]> => {
    const walks = [DEFAULT, EVERYTHING, SEED, WITHOUT_LIQO].flatMap((machines) => [
      ...worlds.map((world) => live({ ...world, rounds: 2 }, machines)),
      ...[FENCED_LIGHTHOUSE, FENCED_GPU_WORKER].map((fenced) => die({ fenced }, machines)),
      die({ fenced: FENCED_LIGHTHOUSE, failing }, machines),
    ]);
    return (await Promise.all(walks)).flatMap((walked) => walked.calls);
  };

  it('has input that fits the contract', async () => {
    for (const { state, capability, operation, payload } of await calls()) {
      const { operation: _, ...input } = payload;
      const known: Record<string, { input: { safeParse: (value: unknown) => { success: boolean } } }> =
        OPERATIONS[capability];

      expect(known[operation]?.input.safeParse(input), state).toMatchObject({ success: true });
    }
  });

  it('of a step gives every parameter that the step wants, as it wants it, and no other', async () => {
    const starts = (await calls()).filter(({ operation }) => operation === 'start');

    expect(new Set(starts.map(({ payload }) => String(payload.step))).size).toBeGreaterThan(20);
    for (const { payload } of starts) {
      const parameters: Step['parameters'] = STEP_TABLE[String(payload.step)]?.parameters ?? {};
      const given = payload.parameters as Record<string, string>;
      const needed = Object.keys(parameters).filter((name) => parameters[name]?.default === undefined);

      expect(Object.keys(parameters), String(payload.step)).toEqual(expect.arrayContaining(Object.keys(given)));
      expect(Object.keys(given), String(payload.step)).toEqual(expect.arrayContaining(needed));
      for (const [name, value] of Object.entries(given).filter(([, text]) => text !== '<import>')) {
        expect(value, `${String(payload.step)} ${name}`).toMatch(new RegExp(parameters[name]?.allowedPattern ?? '$^'));
        expect(value.length).toBeLessThanOrEqual(parameters[name]?.maxChars ?? 0);
      }
    }
  });
});
