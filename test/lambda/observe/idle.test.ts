import { describe, expect, it } from 'vitest';
import { IdleWarning } from '#contract';
import { observeWorker } from '../../../lambda/observe/observe-worker.ts';
import { aFleet, anIdleEvent, aReadyWorker, type Fleet, MINUTE, NAME, spellOf } from './builders.ts';

/** Tells every five minutes, as the control plane does, that the worker is still idle; the actions that came of it. */
const stayIdle = async (fleet: Fleet, minutes: readonly number[], jitter = 0): Promise<string[]> => {
  const actions: string[] = [];
  let at = 0;
  for (const minute of minutes) {
    fleet.clock.advance((minute - at) * MINUTE);
    at = minute;
    const early = actions.length % 2 === 0 ? 0 : jitter;
    actions.push((await observeWorker(fleet.ports, anIdleEvent(fleet, minute - early))).action);
  }
  return actions;
};

const idleFleet = async (agent = {}) => {
  const fleet = aFleet(agent);
  await aReadyWorker(fleet);
  return fleet;
};

describe('an idle worker', () => {
  it('is warned of five minutes before it has been idle for thirty, then torn down', async () => {
    const fleet = await idleFleet();

    const actions = await stayIdle(fleet, [5, 10, 15, 20, 25, 30]);

    expect(actions).toEqual(['noted', 'noted', 'noted', 'noted', 'warned', 'teardown']);
    expect([...fleet.executions.started.values()].map(({ input }) => JSON.parse(input).name)).toEqual([NAME]);
    expect((await fleet.registry.find(NAME))?.removal).toMatchObject({
      reason: 'idle',
      text: expect.stringContaining('idle since 2026-11-21T10:00:00.000Z'),
    });
  });

  it('is announced with how long it has been idle and when it goes', async () => {
    const fleet = await idleFleet();

    await stayIdle(fleet, [5, 25]);

    expect(fleet.events.map(({ source, detailType }) => [source, detailType])).toEqual([
      ['carrierarr.fleet', 'Worker Idle Warning'],
    ]);
    expect(IdleWarning.parse(fleet.events[0]?.detail)).toMatchObject({
      name: NAME,
      idleSeconds: 1500,
      teardownAt: '2026-11-21T10:30:00.000Z',
      idle: { since: '2026-11-21T10:00:00.000Z', warnedAt: '2026-11-21T10:25:00.000Z' },
    });
  });

  it('is warned of once, though agents say in steps of half a minute since when they are idle', async () => {
    const fleet = await idleFleet();

    const actions = await stayIdle(fleet, [5, 10, 15, 20, 25, 29.5], 0.5);

    expect(actions.filter((action) => action === 'warned')).toHaveLength(1);
    expect(actions.at(-1)).toBe('teardown');
  });

  it('is given its time where it is heard of late: nothing goes unwarned', async () => {
    const fleet = await idleFleet();

    const actions = await stayIdle(fleet, [180, 182, 185]);

    expect(actions).toEqual(['warned', 'noted', 'teardown']);
  });

  it('stays where the bus delivered late: it may have got work since', async () => {
    const fleet = await idleFleet();
    await stayIdle(fleet, [5, 25]);
    fleet.clock.advance(5 * MINUTE);
    const late = anIdleEvent(fleet, 30);
    fleet.clock.advance(3 * MINUTE);

    const first = await observeWorker(fleet.ports, late);
    fleet.clock.advance(2 * MINUTE);
    const second = await observeWorker(fleet.ports, anIdleEvent(fleet, 35));

    expect(first).toMatchObject({ action: 'noted', reason: expect.stringContaining('delivered late') });
    expect(second.action).toBe('teardown');
  });

  it('starts anew once it was busy, and is warned of again', async () => {
    const fleet = await idleFleet();
    await stayIdle(fleet, [5, 10, 15, 20, 25]);
    fleet.clock.advance(8 * MINUTE);

    const back = await observeWorker(fleet.ports, anIdleEvent(fleet, 5));
    const spell = await spellOf(fleet);
    fleet.clock.advance(20 * MINUTE);
    const again = await observeWorker(fleet.ports, anIdleEvent(fleet, 25));

    expect(back.action).toBe('noted');
    expect(spell).not.toHaveProperty('warnedAt');
    expect(again.action).toBe('warned');
    expect(fleet.executions.started.size).toBe(0);
  });

  it('is not blamed for the time before it was ready', async () => {
    const fleet = await idleFleet();
    fleet.clock.advance(10 * MINUTE);

    expect((await observeWorker(fleet.ports, anIdleEvent(fleet, 400))).action).toBe('noted');
    expect((await spellOf(fleet))?.since).toBe('2026-11-21T10:00:00.000Z');
  });

  it('stays where idle workers are to stay, and shows that it is idle', async () => {
    const fleet = await idleFleet({ idleMinutes: 0 });

    expect(await stayIdle(fleet, [5, 60, 600])).toEqual(['noted', 'noted', 'noted']);
    expect(await fleet.registry.find(NAME)).toMatchObject({ agentHealth: { state: 'idle' } });
    expect([fleet.events, fleet.executions.started.size]).toEqual([[], 0]);
  });

  it('stays where it is a lighthouse: others hang on it', async () => {
    const fleet = aFleet();
    await aReadyWorker(fleet, { worker: { role: 'lighthouse' } });

    expect(await stayIdle(fleet, [5, 60, 600])).toEqual(['noted', 'noted', 'noted']);
  });

  it('is not touched by being looked at', async () => {
    const fleet = await idleFleet();
    const before = await fleet.registry.find(NAME);

    await stayIdle(fleet, [5]);

    expect((await fleet.registry.find(NAME))?.updatedAt).toBe(before?.updatedAt);
  });
});

describe('an observation', () => {
  it('that comes twice, or late, changes nothing', async () => {
    const fleet = await idleFleet();
    await stayIdle(fleet, [5, 10, 15, 20]);
    const late = anIdleEvent(fleet, 20);
    fleet.clock.advance(5 * MINUTE);
    const event = anIdleEvent(fleet, 25);

    const actions = [];
    for (const each of [event, event, late]) actions.push((await observeWorker(fleet.ports, each)).action);

    expect(actions).toEqual(['warned', 'earlier', 'earlier']);
    expect(fleet.events).toHaveLength(1);
  });

  it('that comes many times at once warns once', async () => {
    const fleet = await idleFleet();
    await stayIdle(fleet, [5]);
    fleet.clock.advance(20 * MINUTE);
    const events = [0, 1, 2, 3].map((seconds) => anIdleEvent(fleet, 25 - seconds / 60));

    await Promise.all(events.map((event) => observeWorker(fleet.ports, event)));

    expect(fleet.events).toHaveLength(1);
  });

  it('whose warning the bus does not take is dealt with again', async () => {
    const fleet = await idleFleet();
    await stayIdle(fleet, [5]);
    fleet.clock.advance(20 * MINUTE);
    const event = anIdleEvent(fleet, 25);
    fleet.bus.fail = true;

    await expect(observeWorker(fleet.ports, event)).rejects.toThrow('the bus is ill');
    expect(await spellOf(fleet)).not.toHaveProperty('warnedAt');
    fleet.bus.fail = false;

    expect((await observeWorker(fleet.ports, event)).action).toBe('warned');
  });
});
