import { Registry } from 'prom-client';
import { describe, expect, it } from 'vitest';
import { EVENT, WorkerObservation } from '#contract';
import { awsMetrics } from '../../../../agent/control-plane/aws/metrics.ts';
import { observationQueue } from '../../../../agent/control-plane/aws/observation-queue.ts';
import type { PutEvents } from '../../../../agent/control-plane/aws/put-events.ts';
import { tellAll } from '../../../../agent/control-plane/aws/teller.ts';
import { type BusEntry, toEvent } from '../../../../agent/control-plane/aws/to-event.ts';
import type { Observation } from '../../../../agent/control-plane/fleet/observation.ts';
import { aDead, anIdle } from './support/observations.ts';

const NOW = Date.parse('2026-11-22T09:00:00Z');
const workersOf = (entries: readonly BusEntry[]): string[] => entries.map(({ detail }) => detail.worker);
const times = (count: number): Observation[] =>
  Array.from({ length: count }, (_, index) => anIdle({ worker: `gpu-${index + 1}`, observedAt: new Date(NOW) }));

/** A queue with its teller; waiting takes no time and is remembered. */
const teller = (put: PutEvents, limit = 100) => {
  const registry = new Registry();
  const state = { now: NOW, waits: [] as number[], lines: [] as string[] };
  const queue = observationQueue(limit, (reason, count) => metrics.dropped(reason, count));
  const metrics = awsMetrics(registry, queue.size);
  const closing = new AbortController();
  return {
    state,
    queue,
    closing,
    add: (...observations: Observation[]) => {
      for (const observation of observations) {
        const entry = toEvent(observation);
        if (entry !== undefined) queue.add({ entry, at: observation.observedAt.getTime() });
      }
    },
    tell: () =>
      tellAll(
        {
          queue,
          put,
          metrics,
          now: () => state.now,
          random: () => 1,
          log: (level, event, facts) => state.lines.push(`${level} ${event} ${JSON.stringify(facts)}`),
          wait: async (milliseconds) => {
            state.waits.push(milliseconds);
            state.now += milliseconds;
          },
        },
        closing.signal,
      ),
    count: async (name: string, reason?: string): Promise<number | undefined> =>
      (await registry.getSingleMetric(`carrierarr_aws_${name}`)?.get())?.values.find(
        ({ labels }) => reason === undefined || labels.reason === reason,
      )?.value,
  };
};
const taken: PutEvents = async (entries) => entries.map(() => undefined);

describe('an observation as an event', () => {
  it('of idleness is what AWS reads', () => {
    const event = toEvent(anIdle({ observedAt: new Date(NOW) }));

    expect(event).toMatchObject({ source: EVENT.homelabSource, detailType: EVENT.workerIdle });
    expect(event?.detail).toEqual(
      WorkerObservation.parse({
        worker: 'gpu-1',
        fleet: 'carrierarr',
        generation: 'mf3k9x2a',
        instanceId: 'i-0123456789abcdef0',
        nebulaIp: '10.100.2.7',
        nodeId: 'ip-10-80-0-7',
        path: 'ok',
        observedAt: '2026-11-22T09:00:00.000Z',
        idleSeconds: 600,
      }),
    );
  });

  it('of death says when the worker was last heard of', () => {
    const lastSeen = new Date(NOW - 300_000);

    expect(toEvent(aDead({ lastSeen }))).toMatchObject({
      detailType: EVENT.workerDead,
      detail: { lastSeen: '2026-11-22T08:55:00.000Z' },
    });
  });

  it.each([{ instanceId: '' }, { worker: '' }, { nebulaIp: 'unknown' }])('is none with %o', (overrides) => {
    expect(toEvent(anIdle(overrides))).toBeUndefined();
  });
});

describe('telling AWS', () => {
  it('puts ten at a time, oldest first, until nothing waits', async () => {
    const batches: string[][] = [];
    const { add, tell, queue, count } = teller(async (entries) => {
      batches.push(workersOf(entries));
      return entries.map(() => undefined);
    });
    add(...times(23));

    await tell();

    expect(batches.map(({ length }) => length)).toEqual([10, 10, 3]);
    expect(batches.flat()).toEqual(times(23).map(({ worker }) => worker));
    expect([queue.size(), await count('observations_told_total')]).toEqual([0, 23]);
  });

  it('repeats what the bus could not take for a moment, and only that', async () => {
    const calls: string[][] = [];
    const { add, tell, count } = teller(async (entries) => {
      calls.push(workersOf(entries));
      return entries.map(({ detail }) =>
        detail.worker === 'gpu-2' && calls.length === 1 ? { code: 'InternalFailure', message: '' } : undefined,
      );
    });
    add(...times(3));

    await tell();

    expect(calls).toEqual([['gpu-1', 'gpu-2', 'gpu-3'], ['gpu-2']]);
    expect(await count('observations_told_total')).toBe(3);
  });

  it('gives up what the bus will never take, says why, and goes on', async () => {
    const { add, tell, state, count } = teller(async (entries) =>
      entries.map(({ detail }) =>
        detail.worker === 'gpu-1' ? { code: 'NotAuthorizedForDetailType', message: 'no' } : undefined,
      ),
    );
    add(...times(2));

    await tell();

    expect(state.lines).toEqual([expect.stringContaining('NotAuthorizedForDetailType')]);
    expect(await count('observations_dropped_total', 'refused')).toBe(1);
    expect(await count('observations_told_total')).toBe(1);
  });

  it('waits longer after each failure, up to a minute, and loses nothing meanwhile', async () => {
    let failures = 8;
    const { add, tell, state, count } = teller(async (entries) => {
      if (failures-- > 0) throw new Error('no way out');
      return taken(entries);
    });
    add(...[1, 2].map((number) => aDead({ worker: `gpu-${number}`, observedAt: new Date(NOW) })));

    await tell();

    expect(state.waits).toEqual([250, 1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000]);
    expect(state.lines[0]).toContain('no way out');
    expect([await count('failures_total'), await count('observations_told_total')]).toEqual([8, 2]);
  });

  it('forgets what AWS would ignore by then', async () => {
    const { add, tell, queue, count } = teller(async () => {
      throw new Error('away');
    });
    add(...times(5));

    await tell();

    expect([queue.size(), await count('observations_dropped_total', 'late')]).toEqual([0, 5]);
  });

  it('forgets idleness much sooner than death: the worker may have got work since', async () => {
    const { add, tell, state, count } = teller(taken);
    add(anIdle({ worker: 'gpu-1', observedAt: new Date(NOW) }), aDead({ worker: 'gpu-2', observedAt: new Date(NOW) }));
    state.now += 2 * 60_000;

    await tell();

    expect(await count('observations_told_total')).toBe(1);
    expect(await count('observations_dropped_total', 'late')).toBe(1);
  });

  it('makes one attempt and no more once it is to end', async () => {
    let attempts = 0;
    const { add, tell, closing, queue } = teller(async () => {
      attempts += 1;
      throw new Error('away');
    });
    add(...times(2));
    closing.abort();

    await tell();

    expect([attempts, queue.size()]).toEqual([1, 2]);
  });
});

describe('what waits', () => {
  it('is the newest of a kind for each worker', async () => {
    const told: BusEntry[] = [];
    const { add, tell } = teller(async (entries) => {
      told.push(...entries);
      return taken(entries);
    });
    const observedAt = new Date(NOW);
    add(anIdle({ observedAt, idleSeconds: 300 }), aDead({ observedAt }), anIdle({ observedAt, idleSeconds: 600 }));

    await tell();

    expect(told.map(({ detailType, detail }) => [detailType, detail.idleSeconds])).toEqual([
      [EVENT.workerDead, undefined],
      [EVENT.workerIdle, 600],
    ]);
  });

  it('stays within its limit: the oldest goes, and is counted', async () => {
    const told: string[] = [];
    const { add, tell, queue, count } = teller(async (entries) => {
      told.push(...workersOf(entries));
      return taken(entries);
    }, 3);
    add(...times(5));

    expect(queue.size()).toBe(3);
    await tell();

    expect(told).toEqual(['gpu-3', 'gpu-4', 'gpu-5']);
    expect(await count('observations_dropped_total', 'full')).toBe(2);
  });

  it('does not go back to what was seen before', () => {
    const { add, queue } = teller(taken);
    add(anIdle({ observedAt: new Date(NOW), idleSeconds: 300 }));
    const batch = queue.take(10, NOW);
    add(anIdle({ observedAt: new Date(NOW), idleSeconds: 600 }));
    queue.putBack(batch);

    expect(queue.take(10, NOW).map(({ entry }) => entry.detail.idleSeconds)).toEqual([600]);
  });
});
