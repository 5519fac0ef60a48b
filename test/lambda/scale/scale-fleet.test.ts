import { describe, expect, it } from 'vitest';
import { scaledNames, scaleFleet } from '../../../lambda/scale/scale-fleet.ts';
import { AddressError, InputError, PartialFailureError, ThrottledError } from '../../../lambda/shared/errors.ts';
import { createMemoryDoors, type MemoryDoors } from '../../fake/doors.ts';
import { createMemoryRegistry } from '../../fake/memory-registry.ts';
import { aReservedLife, executionArn, TEARDOWN_MACHINE } from '../../fake/registry-builders.ts';

const ID = '17793124-05d4-b198-2fde-7ededc63b103';
const HOLDER = executionArn('holder', TEARDOWN_MACHINE);

const anEvent = (detailType: string, detail: unknown, overrides: object = {}) => ({
  version: '0',
  id: ID,
  'detail-type': detailType,
  source: 'carrierarr.homelab',
  account: '111122223333',
  time: '2026-11-21T10:00:00Z',
  region: 'us-west-2',
  resources: [],
  detail,
  ...overrides,
});
const scaleOut = (detail: unknown, overrides: object = {}) => anEvent('Scale Out Requested', detail, overrides);
const scaleIn = (names: readonly string[], overrides: object = {}) =>
  anEvent('Scale In Requested', { names }, overrides);

const remove = async ({ registry }: MemoryDoors, name: string) => {
  const { row } = await registry.fence({ name, generation: undefined }, HOLDER, 600);
  await registry.markRemoved({ name, generation: row?.generation ?? '' }, HOLDER);
};
const workers = async ({ registry }: MemoryDoors) => (await registry.list()).map(({ name }) => name);

describe('names of an event', () => {
  it('follow from its id, and fit into a worker’s name', () => {
    const names = scaledNames(ID, 'gpu-worker', 2);

    expect(names).toEqual(scaledNames(ID, 'gpu-worker', 2));
    expect(names[0]).toMatch(/^gpu-worker-[0-9a-f]{8}-1$/);
    expect(scaledNames('another', 'gpu-worker', 2)).not.toContain(names[0]);
  });
});

describe('Scale Out Requested', () => {
  it('starts as many provisions as were asked for', async () => {
    const doors = createMemoryDoors();

    const scaled = await scaleFleet(doors, scaleOut({ count: 3, role: 'gpu-worker' }));

    expect(scaled.map(({ action }) => action)).toEqual(['started', 'started', 'started']);
    expect(await workers(doors)).toEqual(scaledNames(ID, 'gpu-worker', 3));
    expect(doors.executions.started.size).toBe(3);
  });

  it('hands on which cluster the workers are to join', async () => {
    const doors = createMemoryDoors();

    await scaleFleet(doors, scaleOut({ count: 2, cluster: 'other' }));

    expect((await doors.registry.list()).map(({ cluster }) => cluster)).toEqual(['other', 'other']);
    expect([...doors.executions.started.values()].map(({ input }) => JSON.parse(input).cluster)).toEqual([
      'other',
      'other',
    ]);
  });

  it('makes one lighthouse a cluster, and says which has it', async () => {
    const doors = createMemoryDoors();

    const scaling = scaleFleet(doors, scaleOut({ count: 2, role: 'lighthouse' }));

    await expect(scaling).rejects.toThrow(/1 of 2 workers failed.*ClusterConflictError.*tear lighthouse-\w+-\d down/s);
    expect(doors.executions.started.size).toBe(1);
  });

  it('starts one gpu-worker when nothing is said', async () => {
    const doors = createMemoryDoors();

    await scaleFleet(doors, scaleOut({}));

    expect(await workers(doors)).toEqual(scaledNames(ID, 'gpu-worker', 1));
  });

  it('starts a hundred, each with its own address', async () => {
    const doors = createMemoryDoors();

    await scaleFleet(doors, scaleOut({ count: 100 }));

    expect(new Set((await doors.registry.list()).map(({ address }) => address)).size).toBe(100);
  });

  it('delivered twice, one after the other or at once, starts each worker once', async () => {
    const doors = createMemoryDoors();
    const event = scaleOut({ count: 5 });

    await Promise.all([scaleFleet(doors, event), scaleFleet(doors, event)]);
    const later = await scaleFleet(doors, event);

    expect(doors.executions.started.size).toBe(5);
    expect(new Set(later.map(({ action }) => action))).toEqual(new Set(['exists']));
  });

  it('sent again under another event id is recognised by its request id', async () => {
    const doors = createMemoryDoors();

    await scaleFleet(doors, scaleOut({ count: 2, requestId: 'demand-1' }));
    await scaleFleet(doors, scaleOut({ count: 2, requestId: 'demand-1' }, { id: 'another' }));

    expect(await workers(doors)).toEqual(scaledNames('demand-1', 'gpu-worker', 2));
  });

  it('delivered late does not bring back what has been torn down since', async () => {
    const doors = createMemoryDoors();
    const [name = ''] = scaledNames(ID, 'gpu-worker', 1);
    await scaleFleet(doors, scaleOut({}));
    await remove(doors, name);

    const late = await scaleFleet(doors, scaleOut({}));

    expect(late).toEqual([{ name, action: 'earlier' }]);
    expect(await doors.registry.find(name)).toMatchObject({ phase: 'REMOVED' });
  });

  it('tries every worker, then fails naming those that failed; the repeat does the rest', async () => {
    const doors = createMemoryDoors();
    doors.executions.failNextStart(new ThrottledError({ what: 'too fast', remedy: 'wait' }));

    const first = scaleFleet(doors, scaleOut({ count: 3 }));
    await expect(first).rejects.toThrow(PartialFailureError);
    await expect(first).rejects.toThrow(/^1 of 3 workers failed; got gpu-worker-[0-9a-f]{8}-\d: ThrottledError/);

    expect(doors.executions.started.size).toBe(2);
    await scaleFleet(doors, scaleOut({ count: 3 }));
    expect(doors.executions.started.size).toBe(3);
  });

  it('says of each worker why it failed when the mesh is full', async () => {
    const mesh = { cidr: '10.100.2.0/29', lighthouseAddress: '10.100.2.6' };
    const doors = createMemoryDoors({ registry: createMemoryRegistry({ mesh }) });

    const scaled = scaleFleet(doors, scaleOut({ count: 7 }));

    await expect(scaled).rejects.toThrow(`2 of 7 workers failed`);
    await expect(scaled).rejects.toThrow(AddressError.name);
    expect(await workers(doors)).toHaveLength(5);
  });

  it.each([
    ['no number', { count: 'three' }],
    ['too many', { count: 101 }],
    ['a name', { name: 'mine' }],
  ])('with %s is refused whole', async (_case, detail) => {
    const doors = createMemoryDoors();

    await expect(scaleFleet(doors, scaleOut(detail))).rejects.toThrow(InputError);
    expect(await workers(doors)).toEqual([]);
  });
});

describe('Scale In Requested', () => {
  it('starts the teardown of each worker it names, once', async () => {
    const doors = createMemoryDoors();
    for (const name of ['a', 'b', 'c']) await aReservedLife(doors.registry, name);

    const scaled = await scaleFleet(doors, scaleIn(['a', 'b', 'a']));

    expect(scaled.map(({ name, action }) => `${name} ${action}`).sort()).toEqual(['a teardown', 'b teardown']);
    expect(doors.executions.started.size).toBe(2);
  });

  it('takes workers that are gone or going for done', async () => {
    const doors = createMemoryDoors();
    for (const name of ['gone', 'going']) await aReservedLife(doors.registry, name);
    await remove(doors, 'gone');
    await doors.registry.fence({ name: 'going', generation: undefined }, HOLDER, 600);

    const scaled = await scaleFleet(doors, scaleIn(['gone', 'going', 'unknown']));

    expect(scaled.map(({ action }) => action)).toEqual(['earlier', 'earlier', 'earlier']);
    expect(doors.executions.started.size).toBe(0);
  });

  it('delivered late does not touch a later life of the name', async () => {
    const doors = createMemoryDoors();
    doors.clock.advance(1000);
    await aReservedLife(doors.registry, 'a');

    const late = await scaleFleet(doors, scaleIn(['a'], { time: '2026-11-21T10:00:00Z' }));

    expect(late).toEqual([{ name: 'a', action: 'earlier' }]);
  });

  it('sent within the second of the reservation means that worker: event times are cut to seconds', async () => {
    const doors = createMemoryDoors();
    doors.clock.advance(999);
    await aReservedLife(doors.registry, 'a');

    const scaled = await scaleFleet(doors, scaleIn(['a'], { time: '2026-11-21T10:00:00Z' }));

    expect(scaled).toEqual([{ name: 'a', action: 'teardown' }]);
  });
});

describe('another event', () => {
  it('is refused', async () => {
    await expect(scaleFleet(createMemoryDoors(), anEvent('Worker Ready', {}))).rejects.toThrow(InputError);
  });
});
