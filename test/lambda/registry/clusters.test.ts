import { describe, expect, it } from 'vitest';
import { registryOperations } from '../../../lambda/registry/operations.ts';
import { SETTINGS } from '../../fake/doors.ts';
import { createManualClock, createMemoryRegistry } from '../../fake/memory-registry.ts';
import { aReservedLife, executionArn, launchFacts, TEARDOWN_MACHINE } from '../../fake/registry-builders.ts';

const NAME = 'gpu-worker-001';
const TEARDOWN = executionArn('t1', TEARDOWN_MACHINE);
const LIGHTHOUSE = { worker: { role: 'lighthouse' as const } };

const setUp = () => {
  const clock = createManualClock();
  const registry = createMemoryRegistry({ clock });
  const ports = { registry, clock, random: () => 0, settings: SETTINGS, announce: async () => undefined };
  return { clock, registry, operations: registryOperations(ports) };
};

describe('FenceWorker among clusters', () => {
  const fence = (name: string) => ({ name, generation: '', execution: TEARDOWN, deregisterAmi: false });
  const homelab = { commandId: 'c-9', step: 'homelab-peer', instanceId: 'mi-0123456789abcdef0' };

  const clustered = async () => {
    const world = setUp();
    const server = await aReservedLife(world.registry, 'lh', LIGHTHOUSE);
    await world.registry.recordLaunch(server, await world.registry.beginLaunch(server), launchFacts());
    return { ...world, server };
  };
  const aLaunchedNode = async ({ registry }: Pick<Awaited<ReturnType<typeof clustered>>, 'registry'>) => {
    const node = await aReservedLife(registry, NAME);
    const facts = launchFacts({ instanceId: 'i-0fedcba9876543210' });
    await registry.recordLaunch(node, await registry.beginLaunch(node), facts);
    return node;
  };

  it.each([
    ['MESHED', false],
    ['CLUSTERED', true],
    ['PEERED', true],
    ['READY', true],
  ] as const)('takes a lighthouse fenced at %s for known to Liqo: %s', async (phase, peered) => {
    const { operations, registry, server } = await clustered();
    await registry.advance(server, phase);

    const first = await operations.fence(fence('lh'));
    const again = await operations.fence(fence('lh'));

    expect([first.peered, again.peered]).toEqual([peered, peered]);
    expect(first).toMatchObject({ role: 'lighthouse', cluster: 'aws-k3s', serverInstanceId: '' });
  });

  it('names the server that a launched gpu-worker is to leave, whether it has joined or not', async () => {
    const { operations, registry, server } = await clustered();
    await registry.advance(server, 'CLUSTERED', { caHash: 'c'.repeat(64) });
    await aLaunchedNode({ registry });

    const output = await operations.fence(fence(NAME));

    expect(output).toMatchObject({ serverInstanceId: launchFacts().instanceId, peered: false });
  });

  it.each([
    ['was never launched', false, 'READY'],
    ['has a server that does not stand yet', true, 'MESHED'],
  ] as const)('names none where the gpu-worker %s', async (_, launched, phase) => {
    const { operations, registry, server } = await clustered();
    await registry.advance(server, phase);
    if (launched) await aLaunchedNode({ registry });
    else await aReservedLife(registry, NAME);

    expect(await operations.fence(fence(NAME))).toMatchObject({ serverInstanceId: '' });
  });

  it('names none once the server goes as well', async () => {
    const { operations, registry, server } = await clustered();
    await registry.advance(server, 'READY');
    await aLaunchedNode({ registry });
    await registry.fence(server, 'another', 600);

    expect(await operations.fence(fence(NAME))).toMatchObject({ outcome: 'fenced', serverInstanceId: '' });
  });

  it('says which command to cancel in the homelab', async () => {
    const { operations, registry, server } = await clustered();
    await registry.openHomelabCommand(server, homelab);

    expect(await operations.fence(fence('lh'))).toMatchObject({
      homelabInstanceId: homelab.instanceId,
      homelabCommandId: homelab.commandId,
    });
  });
});

describe('AwaitCluster', () => {
  const ask = (since: number) => ({ name: NAME, cluster: 'aws-k3s', since });
  const caHash = 'c'.repeat(64);

  const withServer = async () => {
    const world = setUp();
    const since = world.clock.now().getTime();
    const server = await aReservedLife(world.registry, 'lh', LIGHTHOUSE);
    await world.registry.recordIdentity(server, {
      secretArn: 'arn:secret',
      fingerprint: 'a'.repeat(64),
      notAfter: '2026-11-28T10:00:00.000Z',
    });
    await world.registry.recordLaunch(server, await world.registry.beginLaunch(server), launchFacts());
    return { ...world, server, look: () => world.operations.cluster(ask(since)) };
  };

  it.each(['CLUSTERED', 'PEERED', 'READY'] as const)('finds a cluster joinable at %s', async (phase) => {
    const { registry, server, look } = await withServer();
    await registry.advance(server, 'CLUSTERED', { caHash });
    await registry.advance(server, phase);

    expect(await look()).toEqual({
      joinable: true,
      server: {
        cluster: 'aws-k3s',
        server: 'lh',
        instanceId: launchFacts().instanceId,
        privateIp: launchFacts().privateIp,
        meshIp: server.address,
        caHash,
        secretArn: 'arn:secret',
      },
    });
  });

  it('waits for a server that is being made, until its limit', async () => {
    const { registry, server, clock, look } = await withServer();
    await registry.advance(server, 'MESHED');
    clock.advance(899_000);
    const before = await look();
    clock.advance(1_000);

    expect(before).toMatchObject({ joinable: false, server: { caHash: '' } });
    await expect(look()).rejects.toMatchObject({
      name: 'ClusterUnavailableError',
      got: 'its server lh is in phase MESHED after 900 s',
    });
  });

  it('gives up after the first looks where nobody has the cluster, since its server may be asked for just now', async () => {
    const { operations, clock } = setUp();
    const since = clock.now().getTime();
    clock.advance(9_000);
    const first = await operations.cluster(ask(since));
    clock.advance(1_000);

    const looking = operations.cluster(ask(since));

    expect(first).toMatchObject({ joinable: false });
    await expect(looking).rejects.toMatchObject({ name: 'ClusterUnavailableError', got: 'no lighthouse has it' });
  });

  it.each([
    ['is being torn down', 'is being torn down', 'fence'],
    ['has failed', 'has failed: PeeringFailedError', 'fail'],
  ] as const)('gives up at once where the server %s', async (_, got, how) => {
    const { registry, server, look } = await withServer();
    await registry.advance(server, 'CLUSTERED', { caHash });
    if (how === 'fence') await registry.fence(server, TEARDOWN, 600);
    else await registry.recordFailure(server, { error: 'PeeringFailedError', cause: 'no packet' });

    await expect(look()).rejects.toMatchObject({ name: 'ClusterUnavailableError', got: expect.stringContaining(got) });
  });

  it.each([{}, { caHash: '' }])(
    'never says that a cluster can be joined whose CA it does not know (%o)',
    async (details) => {
      const { registry, server, look } = await withServer();
      await registry.advance(server, 'READY', details);

      expect(await look()).toMatchObject({ joinable: false });
    },
  );
});
