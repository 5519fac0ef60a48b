import { describe, expect, it } from 'vitest';
import { aFleet, FakeStream, registration, status } from '../support/a-fleet.ts';
import { FakeClock, HOUR, MINUTE, SECOND } from '../support/fake-clock.ts';

const UNCHECKED = { kind: 'unchecked' } as const;

describe('silence', () => {
  it('makes a node stale after two minutes and dead after five', () => {
    const { join, pass, stateOf } = aFleet();
    const { id } = join(1);

    pass(2 * MINUTE - SECOND);
    expect(stateOf(id)).toBe('online');
    pass(SECOND);
    expect(stateOf(id)).toBe('stale');
    pass(3 * MINUTE - SECOND);
    expect(stateOf(id)).toBe('stale');
    pass(SECOND);
    expect(stateOf(id)).toBe('dead');
  });

  it('ends the stream of a stale node, which is half open', () => {
    const { join, pass, fleet } = aFleet();
    const { id, stream } = join(1);

    pass(2 * MINUTE);

    expect(stream.endings).toEqual(['nothing was heard for 120 s']);
    expect(fleet.get(id)?.connected).toBe(false);
  });

  it('is broken by a heartbeat alone', () => {
    const { join, pass, stateOf } = aFleet();
    const { id } = join(1);

    pass(HOUR, id);

    expect(stateOf(id)).toBe('online');
  });

  it('is judged by a clock that nobody sets', () => {
    const { join, pass, stateOf, clock } = aFleet();
    const { id } = join(1);

    clock.jump(24 * HOUR);
    pass(MINUTE);
    clock.jump(-48 * HOUR);
    pass(MINUTE - SECOND);
    expect(stateOf(id)).toBe('online');

    pass(SECOND);
    expect(stateOf(id)).toBe('stale');
  });

  it('is forgiven where the control plane itself was away', () => {
    const { join, pass, stateOf, clock } = aFleet();
    const { id } = join(1);
    pass(MINUTE);

    clock.pass(20 * MINUTE);
    pass(SECOND);

    pass(2 * MINUTE - SECOND);
    expect(stateOf(id)).toBe('online');
    pass(SECOND);
    expect(stateOf(id)).toBe('stale');
  });

  it('ends in oblivion after a day', () => {
    const { join, pass, fleet, changes } = aFleet();
    const { id } = join(1);

    pass(24 * HOUR - SECOND);
    expect(fleet.get(id)).toBeDefined();
    pass(SECOND);

    expect(fleet.get(id)).toBeUndefined();
    expect(changes.at(-1)).toEqual({ kind: 'gone', id });
  });
});

describe('a restart', () => {
  const anEarlierProcess = () => {
    const first = aFleet();
    const online = first.join(1).id;
    const stale = first.join(2).id;
    const dead = first.join(3).id;
    first.pass(3 * MINUTE, online, stale);
    first.pass(3 * MINUTE, online);
    expect([online, stale, dead].map(first.stateOf)).toEqual(['online', 'stale', 'dead']);
    return { records: first.records(), online, stale, dead };
  };

  it('keeps the fleet, and who was what', () => {
    const { records, online, stale, dead } = anEarlierProcess();

    const { stateOf, fleet } = aFleet(records);

    expect([online, stale, dead].map(stateOf)).toEqual(['online', 'stale', 'dead']);
    expect(fleet.list().some(({ connected }) => connected)).toBe(false);
  });

  it('declares nobody stale before a whole limit has passed, however long it took', () => {
    const { records, online } = anEarlierProcess();
    const clock = new FakeClock();
    clock.pass(12 * HOUR);

    const { pass, stateOf } = aFleet(records, clock);

    pass(2 * MINUTE - SECOND);
    expect(stateOf(online)).toBe('online');
    pass(SECOND);
    expect(stateOf(online)).toBe('stale');
  });

  it('repeats what AWS may not have heard of the dead', () => {
    const { records } = anEarlierProcess();
    const { pass, observations } = aFleet(records);

    pass(5 * MINUTE - SECOND);
    expect(observations.filter(({ worker }) => worker === 'worker-3')).toEqual([]);
    pass(SECOND);

    expect(observations.filter(({ worker }) => worker === 'worker-3')).toHaveLength(1);
  });
});

describe('registering', () => {
  it('again keeps what is known of the same instance', () => {
    const { join, fleet, clock } = aFleet();
    const { id } = join(1);
    fleet.status(id, status(1, { uptimeSeconds: 7n }));
    const registeredAt = fleet.get(id)?.record.registeredAt;
    clock.pass(MINUTE);

    join(1);

    expect(fleet.get(id)?.record).toMatchObject({ registeredAt, status: { status: { uptime_seconds: 7 } } });
  });

  it('with another instance id is a new life', () => {
    const { join, fleet, changes } = aFleet();
    const { id, stream } = join(1);
    fleet.status(id, status(1, { uptimeSeconds: 7n }));

    join(1, { instanceId: 'i-new' });

    expect(fleet.get(id)?.record).toMatchObject({ instanceId: 'i-new', status: undefined });
    expect(stream.endings).toEqual(['another instance has taken over the name']);
    expect(changes).toContainEqual({ kind: 'life', id });
  });

  it.each([
    ['the same worker', { worker: 'worker-1' }],
    ['the same mesh address', { nebulaIp: '10.100.1.1' }],
  ])('under another host name with %s ends the node before', (_, same) => {
    const { join, stateOf, fleet } = aFleet();
    const { id, stream } = join(1);

    join(2, same);

    expect(stateOf(id)).toBe('gone');
    expect(stream.endings).toHaveLength(1);
    expect(fleet.heard(id)).toBe(false);
    fleet.status(id, status(1));
    expect(stateOf(id)).toBe('gone');
  });

  it.each([
    [{ nodeId: '', instanceId: '' }, 'node_id'],
    [{ nodeId: '../etc' }, 'node_id'],
    [{ nebulaIp: 'nowhere' }, 'nebula_ip'],
  ])('is refused with %o', (overrides, field) => {
    const { fleet } = aFleet();

    const outcome = fleet.register(registration(1, overrides), UNCHECKED);

    expect(outcome).toMatchObject({ accepted: false, forbidden: false, reason: expect.stringContaining(field) });
  });

  it('takes the instance id where a known agent leaves its host name out', () => {
    const { fleet } = aFleet();

    fleet.register(registration(1, { nodeId: '' }), UNCHECKED);

    expect(fleet.get('i-1')).toBeDefined();
  });

  it('has an end at five thousand names', () => {
    const { fleet } = aFleet();
    const register = (number: number) =>
      fleet.register(registration(1, { nodeId: `n${number}`, worker: '', nebulaIp: '' }), UNCHECKED);
    for (let number = 0; number < 5000; number += 1) register(number);

    expect(register(5000)).toMatchObject({ accepted: false });
    expect(register(4999)).toMatchObject({ accepted: true });

    const again = (number: number) => fleet.register(registration(1, { nodeId: `n${number}` }), UNCHECKED);
    again(1);
    again(2);
    expect(register(5000)).toMatchObject({ accepted: true });
    expect([fleet.get('n1'), fleet.list().length]).toEqual([undefined, 5000]);
  });
});

describe('streams', () => {
  it('may close twice, late, and in any order', () => {
    const { join, fleet } = aFleet();
    const { id, stream: first } = join(1);
    const second = new FakeStream();

    fleet.openStream(id, second);
    fleet.closeStream(id, first);
    fleet.closeStream(id, first);

    expect(first.endings).toEqual(['the node has opened another stream']);
    expect(fleet.get(id)).toMatchObject({ connected: true, stream: second });
    fleet.closeStream(id, second);
    fleet.closeStream(id, second);
    expect(fleet.get(id)).toMatchObject({ connected: false, stream: undefined });
  });

  it('of nodes that nobody knows are not opened', () => {
    const { fleet } = aFleet();

    expect(fleet.openStream('nobody', new FakeStream())).toBe(false);
  });
});

describe('a status', () => {
  it('of an agent that lost its mind is cut to size', () => {
    const { join, fleet } = aFleet();
    const { id } = join(1);

    fleet.status(
      id,
      status(1, {
        busyWith: 'x'.repeat(100_000),
        loadedModels: Array.from({ length: 10_000 }, () => ({ name: 'm' })),
        resources: { cpuPercent: Number.NaN },
        timestamp: { seconds: 9_000_000_000_000_000n },
        health: Number(77),
      }),
    );

    const part = fleet.get(id)?.record.status;
    expect(part?.busy_with).toHaveLength(512);
    expect(part?.models).toHaveLength(256);
    expect(part).toMatchObject({
      resources: { cpu_percent: 0 },
      status: { timestamp: null, health: 'HEALTH_STATE_UNSPECIFIED' },
    });
  });

  it('loses what would steer a terminal or end a line', () => {
    const { join, fleet } = aFleet();
    const { id } = join(1, { agentVersion: '1\u001b]0;root\u0007' });

    fleet.status(id, status(1, { busyWith: 'a\u001b[2Jb\r\nc\u009b1m\u202ed' }));

    expect(fleet.get(id)?.record).toMatchObject({ agentVersion: '1]0;root', status: { busy_with: 'a[2Jbc1md' } });
  });
});
