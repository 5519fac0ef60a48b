import { describe, expect, it } from 'vitest';
import { observeWorker } from '../../../lambda/observe/observe-worker.ts';
import { InputError } from '../../../lambda/shared/errors.ts';
import { executionArn, TEARDOWN_MACHINE } from '../../fake/registry-builders.ts';
import { aDeadEvent, aFleet, anIdleEvent, aReadyWorker, aSpotWarning, MINUTE, NAME, SWEEP, seen } from './builders.ts';

describe('a dead worker', () => {
  it('is not killed: a sweep asks EC2, and the worker shows since when nobody hears it', async () => {
    const fleet = aFleet();
    await aReadyWorker(fleet);

    const observed = await observeWorker(fleet.ports, aDeadEvent(fleet));

    expect(observed).toMatchObject({ action: 'sweep', name: NAME });
    expect([...fleet.executions.started.keys()]).toEqual([executionArn('dead-20261121T1000', SWEEP)]);
    expect(await fleet.registry.find(NAME)).toMatchObject({
      phase: 'READY',
      agentHealth: { state: 'dead', observedAt: '2026-11-21T10:00:00.000Z', lastSeen: '2026-11-21T09:20:00.000Z' },
    });
  });

  it('is one of many that a sweep a minute looks for', async () => {
    const fleet = aFleet();
    await aReadyWorker(fleet);

    await observeWorker(fleet.ports, aDeadEvent(fleet));
    await observeWorker(fleet.ports, aDeadEvent(fleet));
    fleet.clock.advance(MINUTE);
    await observeWorker(fleet.ports, aDeadEvent(fleet));

    expect([...fleet.executions.started.keys()].map((name) => name.split(':').at(-1))).toEqual([
      'dead-20261121T1000',
      'dead-20261121T1001',
    ]);
  });

  it('is alive again once it is seen idle, whatever comes late', async () => {
    const fleet = aFleet();
    await aReadyWorker(fleet);
    const late = aDeadEvent(fleet);
    fleet.clock.advance(MINUTE);

    await observeWorker(fleet.ports, anIdleEvent(fleet, 5));
    await observeWorker(fleet.ports, late);

    expect((await fleet.registry.find(NAME))?.agentHealth?.state).toBe('idle');
  });
});

describe('a worker that Spot takes back', () => {
  it('is torn down while it can still speak, and says why', async () => {
    const fleet = aFleet();
    await aReadyWorker(fleet);

    const observed = await observeWorker(fleet.ports, aSpotWarning());

    expect(observed.action).toBe('teardown');
    expect((await fleet.registry.find(NAME))?.removal).toMatchObject({ reason: 'spot-interruption' });
  });

  it('is found by its row: other machines of the account are nobody’s here', async () => {
    const fleet = aFleet();
    await aReadyWorker(fleet);

    expect(await observeWorker(fleet.ports, aSpotWarning('i-0fedcba9876543210'))).toMatchObject({ action: 'ignored' });
    expect(fleet.executions.started.size).toBe(0);
  });

  it('is left to the teardown that is at it', async () => {
    const fleet = aFleet();
    const row = await aReadyWorker(fleet);
    await fleet.registry.fence(row, executionArn('holder', TEARDOWN_MACHINE), 600);

    expect((await observeWorker(fleet.ports, aSpotWarning())).action).toBe('ignored');
    expect(fleet.executions.started.size).toBe(0);
  });
});

describe('what the homelab says', () => {
  it.each([
    ['of a worker nobody knows', { worker: 'gpu-worker-999' }],
    ['of another instance', { instanceId: 'i-0fedcba9876543210' }],
    ['of another mesh address', { nebulaIp: '10.100.2.9' }],
    ['of another life', { generation: 'mhx00000' }],
    ['of another fleet', { fleet: 'second' }],
    ['too late', { observedAt: '2026-11-21T09:49:00.000Z' }],
    ['of the future', { observedAt: '2026-11-21T10:11:00.000Z' }],
  ])('%s is ignored', async (_, overrides) => {
    const fleet = aFleet();
    await aReadyWorker(fleet);
    const before = await fleet.registry.find(NAME);

    const heard = [
      await observeWorker(fleet.ports, anIdleEvent(fleet, 900, overrides)),
      await observeWorker(fleet.ports, aDeadEvent(fleet, overrides)),
    ];

    expect(heard.map(({ action }) => action)).toEqual(['ignored', 'ignored']);
    expect(await fleet.registry.find(NAME)).toEqual(before);
    expect(fleet.executions.started.size).toBe(0);
  });

  it('of a worker that is being torn down is ignored', async () => {
    const fleet = aFleet();
    const row = await aReadyWorker(fleet);
    await fleet.registry.fence(row, executionArn('holder', TEARDOWN_MACHINE), 600);

    expect(await observeWorker(fleet.ports, anIdleEvent(fleet, 900))).toMatchObject({
      action: 'ignored',
      reason: 'the worker is in phase TEARING_DOWN',
    });
  });

  it('is refused from any other source, of any other kind, and without what its kind needs', async () => {
    const fleet = aFleet();
    await aReadyWorker(fleet);
    const idle = anIdleEvent(fleet, 900);

    const forged = [
      { ...idle, source: 'carrierarr.fleet' },
      { ...idle, source: 'aws.ec2' },
      { ...idle, 'detail-type': 'Worker Bored' },
      { ...aSpotWarning(), source: 'carrierarr.homelab' },
      { ...idle, detail: seen(fleet) },
      { ...idle, detail: seen(fleet, { idleSeconds: 900, instanceId: 'i-*' }) },
    ];

    for (const event of forged) await expect(observeWorker(fleet.ports, event)).rejects.toThrow(InputError);
    expect(fleet.executions.started.size).toBe(0);
  });
});
