import { describe, expect, it } from 'vitest';
import type { Phase } from '#contract';
import { rescueWorker } from '../../../lambda/rescue/rescue-worker.ts';
import { requestWorker } from '../../../lambda/shared/doors/request-worker.ts';
import { createMemoryDoors, type MemoryDoors } from '../../fake/doors.ts';
import {
  aCertificate,
  executionArn,
  launchFacts,
  PROVISION_MACHINE,
  TEARDOWN_MACHINE,
} from '../../fake/registry-builders.ts';

const NAME = 'gpu-worker-001';
type Status = 'FAILED' | 'TIMED_OUT' | 'ABORTED';

const ended = (executionArn: string, status: Status, extra: object = {}) => ({
  id: '315c1398-40ff-a850-213b-158f73e60175',
  'detail-type': 'Step Functions Execution Status Change',
  source: 'aws.states',
  detail: {
    executionArn,
    stateMachineArn: executionArn.includes(':carrierarr-teardown:') ? TEARDOWN_MACHINE : PROVISION_MACHINE,
    name: executionArn.split(':').at(-1),
    status,
    input: null,
    inputDetails: { included: false },
    error: null,
    cause: null,
    ...extra,
  },
});

/** A worker asked for at a door, whose provision went as far as `phase` and has ended. */
const aWorker = async (phase: Phase = 'RESERVED') => {
  const doors = createMemoryDoors();
  const { row } = await requestWorker(doors, { name: NAME });
  const life = { name: NAME, generation: row.generation, execution: row.owner };
  const { registry } = doors;
  const { fingerprint, notAfter } = aCertificate();
  const steps: [Phase, () => Promise<unknown>][] = [
    ['IDENTIFIED', () => registry.recordIdentity(life, { secretArn: 'arn:secret', fingerprint, notAfter })],
    ['LAUNCHING', () => registry.beginLaunch(life)],
    ['LAUNCHED', () => registry.recordLaunch(life, 1, launchFacts())],
    ['BOOTED', () => registry.advance(life, 'BOOTED')],
    ['MESHED', () => registry.advance(life, 'MESHED')],
    ['READY', () => registry.advance(life, 'READY')],
  ];
  if (phase !== 'RESERVED') {
    for (const [, step] of steps.slice(0, steps.findIndex(([reached]) => reached === phase) + 1)) await step();
  }
  doors.executions.close(row.owner);
  const teardown = executionArn(`${NAME}-${row.generation}-t1`, TEARDOWN_MACHINE);
  return { doors, life, teardown };
};
const teardowns = ({ executions }: MemoryDoors) =>
  [...executions.started.keys()].filter((arn) => arn.includes(':carrierarr-teardown:'));

describe('a provision that ended without undoing itself', () => {
  it.each<[Phase, Status]>([
    ['RESERVED', 'ABORTED'],
    ['IDENTIFIED', 'TIMED_OUT'],
    ['LAUNCHING', 'ABORTED'],
    ['LAUNCHED', 'ABORTED'],
    ['BOOTED', 'FAILED'],
    ['MESHED', 'TIMED_OUT'],
    ['READY', 'FAILED'],
  ])('in phase %s as %s has its worker torn down', async (phase, status) => {
    const { doors, life, teardown } = await aWorker(phase);

    const rescue = await rescueWorker(doors, ended(life.execution, status));

    expect(rescue).toMatchObject({ action: 'teardown', name: NAME, execution: teardown });
    expect(teardowns(doors)).toEqual([teardown]);
  });

  it('leaves its reason with the worker, unless one is there', async () => {
    const { doors, life } = await aWorker('LAUNCHED');

    await rescueWorker(doors, ended(life.execution, 'TIMED_OUT'));
    await rescueWorker(doors, ended(life.execution, 'FAILED', { error: 'BootFailedError', cause: 'late' }));

    expect(await doors.registry.find(NAME)).toMatchObject({ failure: { error: 'Execution.TIMED_OUT' } });
  });

  it('after it said READY leaves a good worker alone', async () => {
    const { doors, life } = await aWorker('READY');

    const rescues = [
      await rescueWorker(doors, ended(life.execution, 'ABORTED')),
      await rescueWorker(doors, ended(life.execution, 'TIMED_OUT')),
    ];

    expect(rescues.map(({ action }) => action)).toEqual(['none', 'none']);
    expect(teardowns(doors)).toEqual([]);
  });

  it('stopped while it was undoing a worker it had called READY is undone', async () => {
    const { doors, life } = await aWorker('READY');
    await doors.registry.recordFailure(life, { error: 'ThrottledError', cause: 'MarkReady' });

    expect(await rescueWorker(doors, ended(life.execution, 'ABORTED'))).toMatchObject({ action: 'teardown' });
  });

  it('in the middle of its roll-back loses its lease to a teardown', async () => {
    const { doors, life, teardown } = await aWorker('BOOTED');
    await doors.registry.fence(life, life.execution, 1_800);

    const rescue = await rescueWorker(doors, ended(life.execution, 'ABORTED'));

    expect(rescue).toMatchObject({ action: 'teardown', execution: teardown });
    expect((await doors.registry.fence(life, teardown, 1_800)).outcome).toBe('fenced');
  });

  it('after its roll-back did everything needs nothing', async () => {
    const { doors, life } = await aWorker('BOOTED');
    await doors.registry.fence(life, life.execution, 1_800);
    await doors.registry.markRemoved(life, life.execution);

    expect(await rescueWorker(doors, ended(life.execution, 'FAILED'))).toMatchObject({ action: 'none' });
  });

  it('is left to the teardown that is at it already', async () => {
    const { doors, life } = await aWorker('LAUNCHING');
    const other = executionArn('0b5e-uuid', TEARDOWN_MACHINE);
    doors.executions.open(other);
    await doors.registry.fence(life, other, 1_800);

    expect(await rescueWorker(doors, ended(life.execution, 'FAILED'))).toMatchObject({ action: 'none' });
    expect(teardowns(doors)).toEqual([other]);
  });

  it('reported twice has its worker torn down in two executions of which the lease lets one work', async () => {
    const { doors, life } = await aWorker('BOOTED');

    await rescueWorker(doors, ended(life.execution, 'ABORTED'));
    await rescueWorker(doors, ended(life.execution, 'ABORTED'));

    const [first = '', second = ''] = teardowns(doors);
    const outcomes = [await doors.registry.fence(life, first, 1_800), await doors.registry.fence(life, second, 1_800)];
    expect(outcomes.map(({ outcome }) => outcome)).toEqual(['fenced', 'busy']);
  });
});

describe('an execution that owns no worker', () => {
  it('does not harm the worker whose name it asked for', async () => {
    const { doors } = await aWorker('READY');
    const before = await doors.registry.find(NAME);
    const duplicate = executionArn('0b5e-uuid');

    const rescue = await rescueWorker(doors, ended(duplicate, 'FAILED', { input: JSON.stringify({ name: NAME }) }));

    expect(rescue.action).toBe('none');
    expect(await doors.registry.find(NAME)).toEqual(before);
  });

  it('of an earlier life does not harm the present one', async () => {
    const { doors, life } = await aWorker('BOOTED');
    await doors.registry.fence(life, life.execution, 1_800);
    await doors.registry.markRemoved(life, life.execution);
    await requestWorker(doors, { name: NAME });

    expect(await rescueWorker(doors, ended(life.execution, 'FAILED'))).toMatchObject({ action: 'none' });
    expect(teardowns(doors)).toEqual([]);
  });

  it('of another machine is nobody’s business', async () => {
    const { doors, life } = await aWorker('BOOTED');

    const event = ended(life.execution, 'FAILED', { stateMachineArn: 'arn:aws:states:us-west-2:1:stateMachine:other' });

    expect(await rescueWorker(doors, event)).toMatchObject({ action: 'none' });
  });
});

describe('a teardown that failed', () => {
  const failed = async (phase: Phase = 'READY') => {
    const worker = await aWorker(phase);
    await worker.doors.registry.nextTeardownAttempt(worker.life);
    return worker;
  };

  it('before it could fence is started again', async () => {
    const { doors, teardown } = await failed();

    expect(await rescueWorker(doors, ended(teardown, 'FAILED'))).toMatchObject({
      action: 'teardown',
      execution: teardown.replace('-t1', '-t2'),
    });
  });

  it('gives its lease to the next', async () => {
    const { doors, life, teardown } = await failed();
    await doors.registry.fence(life, teardown, 1_800);

    const { execution = '' } = await rescueWorker(doors, ended(teardown, 'TIMED_OUT'));

    expect((await doors.registry.fence(life, execution, 1_800)).outcome).toBe('fenced');
  });

  it('is known by its lease when it was started in the console', async () => {
    const { doors, life } = await failed();
    const uuid = executionArn('0b5e47c2-8a53-4f0e-9f7d-5d2f0c1a9b11', TEARDOWN_MACHINE);
    await doors.registry.fence(life, uuid, 1_800);

    expect(await rescueWorker(doors, ended(uuid, 'ABORTED'))).toMatchObject({ action: 'teardown', name: NAME });
  });

  it('is not repeated without end', async () => {
    const { doors, life, teardown } = await failed();
    for (let attempt = 2; attempt <= 3; attempt += 1) await doors.registry.nextTeardownAttempt(life);

    expect(await rescueWorker(doors, ended(teardown, 'FAILED'))).toMatchObject({ action: 'gave-up', name: NAME });
    expect(teardowns(doors)).toEqual([]);
  });

  it('of a life that is over needs nothing', async () => {
    const { doors, life, teardown } = await failed();
    await doors.registry.fence(life, teardown, 1_800);
    await doors.registry.markRemoved(life, teardown);
    await requestWorker(doors, { name: NAME });

    expect(await rescueWorker(doors, ended(teardown, 'FAILED'))).toMatchObject({ action: 'none' });
  });

  it('that did not hold the lease is left to the one that does', async () => {
    const { doors, life, teardown } = await failed();
    const holder = teardown.replace('-t1', '-t2');
    doors.executions.open(holder);
    await doors.registry.fence(life, holder, 1_800);

    expect(await rescueWorker(doors, ended(teardown, 'FAILED'))).toMatchObject({ action: 'none' });
  });

  it('frees the lease of another that has died unnoticed', async () => {
    const { doors, life, teardown } = await failed();
    const dead = teardown.replace('-t1', '-t2');
    doors.executions.open(dead);
    doors.executions.close(dead);
    await doors.registry.fence(life, dead, 1_800);

    expect(await rescueWorker(doors, ended(teardown, 'FAILED'))).toMatchObject({ action: 'teardown' });
  });
});
