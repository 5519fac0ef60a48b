import type { HistoryEvent } from '@aws-sdk/client-sfn';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { aProblem, aWorker, executionArn } from '../support/builders.ts';
import { type DeployedFleet, deployedFleet } from '../support/command-line.ts';
import { recordedHistory } from '../support/histories.ts';

const CLEAN = recordedHistory('torn-down');

/** The same teardown, but the proof ends it with an error. */
const failing = (cause: string): HistoryEvent[] => {
  const proof = CLEAN.findLastIndex(({ stateEnteredEventDetails }) => stateEnteredEventDetails?.name === 'Prove');
  const last = CLEAN[proof];
  const failed = { type: 'TaskFailed', taskFailedEventDetails: { error: 'ProofFailedError', cause } };
  const ended = { type: 'ExecutionFailed', executionFailedEventDetails: { error: 'ProofFailedError', cause } };
  const more = [failed, ended].map((event, index) => ({ ...last, ...event, id: proof + 2 + index }) as HistoryEvent);
  return [...CLEAN.slice(0, proof + 1), ...more];
};

/** A teardown that finds another at work, and leaves it to that. */
const busy = (holder: string): HistoryEvent[] =>
  [
    { type: 'ExecutionStarted' },
    { type: 'TaskStateEntered', stateEnteredEventDetails: { name: 'FenceWorker' } },
    {
      type: 'ExecutionSucceeded',
      executionSucceededEventDetails: { output: JSON.stringify({ outcome: 'busy', holder }) },
    },
  ].map((event, index) => ({ ...event, id: index + 1, timestamp: new Date(index) }) as HistoryEvent);

let fleet: DeployedFleet;
beforeEach(async () => {
  fleet = await deployedFleet();
});
afterEach(() => fleet.close());

const withWorker = (name: string, history = CLEAN) => {
  const execution = executionArn('teardown', `${name}-m1abcd-t1`);
  fleet.api.answer(`DELETE /workers/${name}`, { status: 202, body: { name, generation: 'm1abcd', execution } });
  fleet.history(execution, history);
};

describe('teardown', () => {
  it('follows the teardown and says what the proof looked at', async () => {
    withWorker('gpu-1');

    const { code, out } = await fleet.run('teardown gpu-1');

    expect(code).toBe(0);
    expect(out).toContain('Revoke certificate, delete secret: done');
    expect(out).toContain('Prove nothing is left: done');
    expect(out).toMatch(
      /gone gpu-1 \(\d\.\ds\); looked for and found none of:\n {2}instances\n {2}volumes\n {2}network interfaces\n {2}secret\n {2}address\n$/,
    );
  });

  it('hands on --deregister-ami', async () => {
    fleet.api.answer('DELETE /workers/gpu-1?deregisterAmi=true', {
      status: 202,
      body: { name: 'gpu-1', generation: 'm1abcd', execution: executionArn('teardown', 'x') },
    });

    const { code } = await fleet.run('teardown gpu-1 --deregister-ami --no-wait');

    expect(code).toBe(0);
  });

  it('fails with what is left when the proof fails', async () => {
    withWorker('gpu-1', failing('volume vol-1 is still there. Remedy: remove it by hand'));

    const { code, out, err } = await fleet.run('teardown gpu-1');

    expect(code).toBe(1);
    expect(out).toContain('Prove nothing is left: failed');
    expect(err).toContain('error: the teardown of gpu-1 failed: ProofFailedError');
    expect(err).toContain('volume vol-1 is still there');
    expect(err).toContain('remedy   remove it by hand');
  });

  it('follows the teardown that is already at it', async () => {
    const holder = executionArn('provision', 'gpu-1-m1abcd');
    withWorker('gpu-1', busy(holder));
    // A roll-back: its execution fails with what led to it, yet everything is gone.
    fleet.history(holder, recordedHistory('rolled-back'));

    const { code, out } = await fleet.run('teardown gpu-1');

    expect(code).toBe(0);
    expect(out).toMatch(/gone gpu-1 .*found none of:\n {2}instances/);
  });

  it('tells which steps failed on the way although the proof passed', async () => {
    const skipped = [{ step: 'CancelCommand', error: 'StepUndeliverableError', cause: 'gone' }];
    const ended = { executionSucceededEventDetails: { output: JSON.stringify({ outcome: 'fenced', skipped }) } };
    withWorker('gpu-1', CLEAN.with(-1, { ...CLEAN.at(-1), ...ended } as HistoryEvent));

    expect((await fleet.run('teardown gpu-1')).out).toContain('CancelCommand: StepUndeliverableError');
  });

  it('takes down several side by side, the first failure deciding the exit code', async () => {
    withWorker('gpu-1');
    withWorker('gpu-2');
    fleet.api.answer('DELETE /workers/gpu-3', {
      status: 404,
      body: aProblem({ status: 404, detail: 'no worker gpu-3' }),
    });

    const { code, out, err } = await fleet.run('teardown gpu-1 gpu-3 gpu-2 gpu-1');

    expect(code).toBe(3);
    expect(out.match(/^gone /gm)).toHaveLength(2);
    expect(fleet.api.requests).toHaveLength(3);
    expect(err).toContain('no worker gpu-3');
  });

  describe('--all', () => {
    beforeEach(() => {
      const workers = [aWorker({ name: 'gpu-1' }), aWorker({ name: 'gpu-2' })];
      fleet.api.answer('GET /workers', { status: 200, body: { workers } });
      withWorker('gpu-1');
      withWorker('gpu-2');
    });
    const deleted = () => fleet.api.requests.filter(({ method }) => method === 'DELETE').map(({ path }) => path);

    it('asks on a terminal and takes every living worker once confirmed', async () => {
      const { code } = await fleet.run('teardown --all', { answer: 'y' });

      expect(code).toBe(0);
      expect(deleted()).toEqual(['/workers/gpu-1', '/workers/gpu-2']);
    });

    it('does nothing when the answer is not yes', async () => {
      const { code, err } = await fleet.run('teardown --all', { answer: '' });

      expect(code).toBe(2);
      expect(err).toContain('nothing was done');
      expect(deleted()).toEqual([]);
    });

    it('refuses where nobody can be asked, unless told --yes', async () => {
      expect((await fleet.run('teardown --all')).code).toBe(2);
      expect(deleted()).toEqual([]);

      expect((await fleet.run('teardown --all --yes --json')).code).toBe(0);
      expect(deleted()).toHaveLength(2);
    });

    it('is content when there is no worker', async () => {
      fleet.api.answer('GET /workers', { status: 200, body: { workers: [] } });

      expect(await fleet.run('teardown --all')).toMatchObject({ code: 0, out: 'There is no worker.\n' });
    });
  });

  it.each(['teardown', 'teardown gpu-1 --all'])('refuses "%s" as wrong usage', async (line) => {
    expect((await fleet.run(line)).code).toBe(2);
    expect(fleet.api.requests).toEqual([]);
  });

  it('puts the proof into the result of --json', async () => {
    withWorker('gpu-1');

    const { out } = await fleet.run('teardown gpu-1 --json');

    expect(JSON.parse(out.trim().split('\n').at(-1) ?? '')).toMatchObject({
      event: 'result',
      name: 'gpu-1',
      status: 'SUCCEEDED',
      proof: { checked: expect.arrayContaining(['instances', 'secret']), leftovers: [] },
      skipped: [],
    });
  });
});
