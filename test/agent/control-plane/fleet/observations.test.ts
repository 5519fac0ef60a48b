import { describe, expect, it } from 'vitest';
import { aFleet, status } from '../support/a-fleet.ts';
import { HOUR, MINUTE, SECOND } from '../support/fake-clock.ts';

/** Idle for so long, said each half minute. */
const idling = (cloud: ReturnType<typeof aFleet>, id: string, from: number, minutes: number): void => {
  for (let half = 0; half < minutes * 2; half += 1) {
    cloud.pass(30 * SECOND, id);
    cloud.fleet.status(id, status(1, { idleSeconds: BigInt(from + half * 30) }));
  }
};

describe('an idle worker', () => {
  it('is told of at five minutes, and each five minutes while it lasts', () => {
    const cloud = aFleet();
    const { id } = cloud.join(1, { fleet: 'home', generation: 'g1' });

    idling(cloud, id, 30, 16);

    expect(cloud.observations.map((told) => told.kind === 'idle' && told.idleSeconds)).toEqual([300, 600, 900]);
    expect(cloud.observations[0]).toMatchObject({
      kind: 'idle',
      ...{ worker: 'worker-1', fleet: 'home', generation: 'g1', instanceId: 'i-1', nebulaIp: '10.100.1.1', nodeId: id },
    });
  });

  it('starts anew after work', () => {
    const cloud = aFleet();
    const { id } = cloud.join(1);
    idling(cloud, id, 300, 1);

    cloud.fleet.status(id, status(1, { idleSeconds: 0n }));
    idling(cloud, id, 300, 1);

    expect(cloud.observations).toHaveLength(2);
  });

  it('is not told of without a name', () => {
    const cloud = aFleet();
    const { id } = cloud.join(1, { worker: '' });

    idling(cloud, id, 300, 10);

    expect(cloud.observations).toEqual([]);
  });

  it('is not told of on old news', () => {
    const cloud = aFleet();
    const { id } = cloud.join(1);
    idling(cloud, id, 300, 1);

    cloud.pass(30 * MINUTE);

    expect(cloud.observations.filter(({ kind }) => kind === 'idle')).toHaveLength(1);
  });
});

describe('a dead worker', () => {
  it('is told of once, and again each hour', () => {
    const cloud = aFleet();
    const other = cloud.join(2).id;
    cloud.join(1);

    cloud.pass(4 * MINUTE, other);
    expect(cloud.observations).toEqual([]);
    cloud.pass(56 * MINUTE, other);
    expect(cloud.observations).toHaveLength(1);
    cloud.pass(HOUR, other);

    expect(cloud.observations).toHaveLength(2);
    expect(cloud.observations[1]).toMatchObject({
      kind: 'dead',
      worker: 'worker-1',
      path: 'ok',
      lastSeen: new Date('2026-11-22T10:00:00Z'),
    });
  });

  it('is told of no more once it is back', () => {
    const cloud = aFleet();
    const { id } = cloud.join(1);
    cloud.pass(6 * MINUTE);

    cloud.pass(3 * HOUR, id);

    expect(cloud.observations).toHaveLength(1);
    expect(cloud.stateOf(id)).toBe('online');
  });
});

describe('the way', () => {
  it('is suspect when all of two fall silent at once, and the observations say so', () => {
    const cloud = aFleet();
    cloud.join(1);
    cloud.pass(20 * SECOND);
    cloud.join(2);

    cloud.pass(5 * MINUTE);

    expect(cloud.fleet.path).toBe('suspect');
    expect(cloud.changes).toContainEqual({ kind: 'path', path: 'suspect' });
    expect(cloud.observations.map(({ path }) => path)).toEqual(['suspect', 'suspect']);
  });

  it('is well again as soon as one of them speaks', () => {
    const cloud = aFleet();
    const { id } = cloud.join(1);
    cloud.join(2);
    cloud.pass(3 * MINUTE);

    cloud.fleet.heard(id);

    expect(cloud.fleet.path).toBe('ok');
    expect(cloud.changes.filter(({ kind }) => kind === 'path')).toHaveLength(2);
  });

  it.each([
    ['one alone falls silent', 1, 0],
    ['they fall silent one after the other', 2, 2 * MINUTE],
  ])('is not suspect when %s', (_, count, apart) => {
    const cloud = aFleet();
    cloud.join(1);
    cloud.pass(apart);
    if (count > 1) cloud.join(2);

    cloud.pass(10 * MINUTE);

    expect(cloud.fleet.path).toBe('ok');
  });

  it('is not suspect for what an earlier process knew to be dead', () => {
    const first = aFleet();
    first.join(1);
    first.join(2);
    first.pass(6 * MINUTE);

    const second = aFleet(first.records());
    second.pass(MINUTE);

    expect(second.fleet.path).toBe('ok');
  });
});
