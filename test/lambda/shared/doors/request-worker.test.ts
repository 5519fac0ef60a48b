import { describe, expect, it } from 'vitest';
import { requestWorker } from '../../../../lambda/shared/doors/request-worker.ts';
import { InputError, NameConflictError, ThrottledError } from '../../../../lambda/shared/errors.ts';
import { createMemoryDoors, type MemoryDoors } from '../../../fake/doors.ts';
import { aReservation, executionArn, TEARDOWN_MACHINE } from '../../../fake/registry-builders.ts';

const NAME = 'gpu-worker-001';
const names = ({ executions }: MemoryDoors) => [...executions.started.keys()].map((arn) => arn.split(':').at(-1));
const teardowns = ({ executions }: MemoryDoors) =>
  [...executions.started.keys()].filter((arn) => arn.includes(':carrierarr-teardown:'));
const toReady = async ({ registry }: MemoryDoors) => {
  const row = await registry.find(NAME);
  if (row === undefined) throw new Error('no row to make ready');
  await registry.advance({ name: NAME, generation: row.generation, execution: row.owner }, 'READY');
};

describe('asking for a worker', () => {
  it('reserves, then starts the execution that was named as owner, with the stored input', async () => {
    const doors = createMemoryDoors();

    const { outcome, row } = await requestWorker(doors, { name: NAME });

    expect(outcome).toBe('started');
    expect(row.owner).toBe(executionArn(`${NAME}-${row.generation}`));
    expect([...doors.executions.started]).toEqual([[row.owner, { input: row.input, open: true }]]);
    expect(JSON.parse(row.input)).toEqual({
      name: NAME,
      role: 'gpu-worker',
      market: 'spot',
      onDemandFallback: true,
      cluster: 'aws-k3s',
    });
  });

  it('needs nothing: role, name and the rest have defaults', async () => {
    const doors = createMemoryDoors({ random: () => 0.5 });

    const { row } = await requestWorker(doors, {});

    expect(row).toMatchObject({ name: 'gpu-worker-iiiii', role: 'gpu-worker', address: '10.100.2.1', amiId: '' });
  });

  it('draws another name when the drawn one is in use', async () => {
    const draws = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0.5, 0.5, 0.5, 0.5, 0.5];
    const doors = createMemoryDoors({ random: () => draws.shift() ?? 0 });

    const first = await requestWorker(doors, {});
    const second = await requestWorker(doors, {});

    expect([first.row.name, second.row.name]).toEqual(['gpu-worker-00000', 'gpu-worker-iiiii']);
  });

  it('never hands out a worker of somebody else under a drawn name', async () => {
    const doors = createMemoryDoors({ random: () => 0 });
    await requestWorker(doors, {});

    await expect(requestWorker(doors, {})).rejects.toThrow(NameConflictError);
  });

  it('answers exists for the same again, and starts nothing more', async () => {
    const doors = createMemoryDoors();
    const first = await requestWorker(doors, { name: NAME });

    const again = await requestWorker(doors, { name: NAME, role: 'gpu-worker', market: 'spot' });

    expect(again).toEqual({ outcome: 'exists', row: first.row });
    expect(doors.executions.started.size).toBe(1);
  });

  it('makes one worker of ten equal requests at once', async () => {
    const doors = createMemoryDoors();

    const answers = await Promise.all(Array.from({ length: 10 }, () => requestWorker(doors, { name: NAME })));

    expect(answers.filter(({ outcome }) => outcome === 'started')).toHaveLength(1);
    expect(doors.executions.started.size).toBe(1);
  });

  it('refuses the name with other parameters and says which were asked for before', async () => {
    const doors = createMemoryDoors();
    await requestWorker(doors, { name: NAME });

    const other = requestWorker(doors, { name: NAME, market: 'on-demand' });

    await expect(other).rejects.toThrow(NameConflictError);
    await expect(other).rejects.toThrow('"market":"spot"');
    expect(doors.executions.started.size).toBe(1);
  });

  it('starts a reservation whose door died before it started it', async () => {
    const doors = createMemoryDoors();
    const { row } = await requestWorker(doors, { name: NAME });
    doors.executions.started.clear();

    const again = await requestWorker(doors, { name: NAME });

    expect(again.outcome).toBe('exists');
    expect([...doors.executions.started.keys()]).toEqual([row.owner]);
  });

  it('keeps the reservation of a given name when the execution cannot be started, for the next try', async () => {
    const doors = createMemoryDoors();
    doors.executions.failNextStart(new ThrottledError({ what: 'too fast', remedy: 'wait' }));

    await expect(requestWorker(doors, { name: NAME })).rejects.toThrow(ThrottledError);
    const again = await requestWorker(doors, { name: NAME });

    expect(again.outcome).toBe('exists');
    expect([...doors.executions.started.keys()]).toEqual([again.row.owner]);
  });

  it('takes the reservation of a drawn name back, which nobody could ask for again', async () => {
    const doors = createMemoryDoors();
    doors.executions.failNextStart(new ThrottledError({ what: 'too fast', remedy: 'wait' }));

    await expect(requestWorker(doors, {})).rejects.toThrow(ThrottledError);

    expect((await doors.registry.list()).map(({ phase }) => phase)).toEqual(['REMOVED']);
  });

  it('answers exists for a worker that is ready, long after its execution ended', async () => {
    const doors = createMemoryDoors();
    const { row } = await requestWorker(doors, { name: NAME });
    await toReady(doors);
    doors.executions.started.clear();

    expect((await requestWorker(doors, { name: NAME })).outcome).toBe('exists');
    expect(doors.executions.started.has(row.owner)).toBe(false);
  });

  it('tears down a worker whose provision ended without undoing it, and refuses for now', async () => {
    const doors = createMemoryDoors();
    const { row } = await requestWorker(doors, { name: NAME });
    doors.executions.close(row.owner);

    const again = requestWorker(doors, { name: NAME });

    await expect(again).rejects.toThrow(NameConflictError);
    expect(names(doors)).toContain(`${NAME}-${row.generation}-t1`);
  });

  it('leaves the teardown that is at it alone', async () => {
    const doors = createMemoryDoors();
    const { row } = await requestWorker(doors, { name: NAME });
    const holder = executionArn('somebody', TEARDOWN_MACHINE);
    await doors.registry.fence({ name: NAME, generation: row.generation }, holder, 600);

    const again = requestWorker(doors, { name: NAME });

    await expect(again).rejects.toThrow(holder);
    expect(teardowns(doors)).toEqual([]);
  });

  it('asks after the execution of the console that owns a worker, and never starts one in its place', async () => {
    const doors = createMemoryDoors();
    const owner = executionArn('0b5e-uuid');
    doors.executions.open(owner);
    const { row } = await requestWorker(createMemoryDoors(), { name: NAME });
    const { requestHash, input } = row;
    await doors.registry.reserve(aReservation(NAME, { requestHash, input, owner: () => owner }));

    const answer = await requestWorker(doors, { name: NAME });

    expect(answer).toMatchObject({ outcome: 'exists', row: { owner } });
    expect([...doors.executions.started.keys()]).toEqual([owner]);
  });

  it('gives a removed name another generation and another execution', async () => {
    const doors = createMemoryDoors();
    const first = await requestWorker(doors, { name: NAME });
    const life = { name: NAME, generation: first.row.generation };
    await doors.registry.fence(life, 'holder', 600);
    await doors.registry.markRemoved(life, 'holder');

    const second = await requestWorker(doors, { name: NAME });

    expect(second.outcome).toBe('started');
    expect(second.row.owner).not.toBe(first.row.owner);
  });

  it.each([
    ['an unknown field', { nmae: NAME }, 'nmae'],
    ['a name that is no label', { name: 'GPU_1' }, 'name'],
    ['an address that is none', { nebulaIp: '10.100.2' }, 'nebulaIp'],
    ['a type the fleet may not launch', { instanceType: 'p5.48xlarge' }, 'instanceType'],
    ['something else than an object', ['gpu-worker-001'], '(input)'],
  ])('refuses %s before anything is reserved', async (_case, request, field) => {
    const doors = createMemoryDoors();

    const refused = requestWorker(doors, request);

    await expect(refused).rejects.toThrow(InputError);
    await expect(refused).rejects.toMatchObject({ faults: [{ field }] });
    expect(await doors.registry.list()).toEqual([]);
  });
});
