import type { HistoryEvent } from '@aws-sdk/client-sfn';
import { describe, expect, it } from 'vitest';
import { foldHistory } from '../../../cli/progress/fold-history.ts';
import { recordedHistory } from '../support/histories.ts';

const summary = (events: HistoryEvent[]): string[] =>
  foldHistory(events).phases.map(({ id, status, errors }) => `${id} ${status} ${errors.length}`);

const at = (second: number): Date => new Date(Date.UTC(2026, 10, 21, 12, 0, second));
const entered = (type: string, name: string, second: number): HistoryEvent =>
  ({
    type: `${type}StateEntered`,
    timestamp: at(second),
    id: second,
    stateEnteredEventDetails: { name },
  }) as HistoryEvent;

describe('foldHistory', () => {
  it('folds a provision into its phases, counting the launch that was retried', () => {
    const events = recordedHistory('provisioned');

    const progress = foldHistory(events);

    expect(progress.status).toBe('SUCCEEDED');
    expect(summary(events)).toEqual([
      'reserve done 0',
      'identity done 0',
      'launch done 1',
      'ssm done 0',
      'boot done 0',
      'mesh done 0',
      'ready done 0',
    ]);
    expect(progress.phases[3]?.states).toEqual(['AwaitSsm', 'AwaitSsmDone', 'AwaitSsmWait']);
  });

  it('keeps what tasks answered without the envelope of lambda:invoke', () => {
    const mesh = foldHistory(recordedHistory('provisioned')).phases.find(({ id }) => id === 'mesh');

    expect(mesh?.outputs).toContainEqual({
      done: true,
      result: { step: 'verify-nebula', ok: true, rc: 0, tail: expect.stringContaining('lighthouse') },
    });
  });

  it('takes first error and remedy of a failed provision, and shows that the roll-back ran', () => {
    const events = recordedHistory('rolled-back');

    const { status, failure } = foldHistory(events);

    expect(status).toBe('FAILED');
    expect(summary(events).slice(5)).toEqual([
      'mesh failed 1',
      'rollback done 0',
      'fence done 0',
      'revoke done 0',
      'terminate done 0',
      'release done 0',
      'proof done 0',
      'removed done 0',
    ]);
    expect(failure).toEqual({
      error: 'StepFailedError',
      message: 'verify-nebula failed on gpu-worker-a1b2; got exit code 1: nebula0 has no address',
      remedy: 'read the whole output with `carrierarr logs gpu-worker-a1b2`',
    });
  });

  it('marks the phase that was going on when the execution was stopped', () => {
    const events = recordedHistory('stopped');

    expect(foldHistory(events)).toMatchObject({ status: 'ABORTED', failure: { error: 'Stopped', message: 'by hand' } });
    expect(summary(events).at(-1)).toBe('ssm stopped 0');
  });

  it('folds a teardown into the phases that did something: a choice that led past one shows nothing', () => {
    const events = recordedHistory('torn-down');

    expect(foldHistory(events).phases.find(({ id }) => id === 'proof')?.outputs).toHaveLength(2);
    expect(summary(events)).toEqual([
      'fence done 0',
      'revoke done 0',
      'terminate done 0',
      'release done 0',
      'proof done 0',
      'removed done 0',
    ]);
  });

  it('is running while the history has no end, whatever the number of events read', () => {
    const events = recordedHistory('provisioned');

    for (let length = 0; length < events.length; length++) {
      const progress = foldHistory(events.slice(0, length));
      expect(progress.status).toBe('RUNNING');
      expect(progress.phases.filter((phase) => phase.status === 'running').length).toBeLessThanOrEqual(1);
    }
  });

  it('gives a task it does not know a phase of its own and ignores other unknown states', () => {
    const events = [
      entered('Task', 'ReserveWorker', 1),
      entered('Choice', 'IsTaken', 2),
      entered('Task', 'InstallNvidiaDriver', 3),
      { type: 'SomethingNew', timestamp: at(4), id: 4 } as unknown as HistoryEvent,
      entered('Wait', 'Pause', 5),
    ];

    const { phases } = foldHistory(events);

    expect(phases.map(({ title }) => title)).toEqual(['Reserve name and mesh address', 'Install nvidia driver']);
    expect(phases[0]?.endedAt).toEqual(at(3));
  });

  it('marks a phase left on an error as failed, also when the undoing goes by the names of the teardown', () => {
    const events = [
      entered('Task', 'LaunchInstance', 1),
      {
        type: 'TaskFailed',
        timestamp: at(2),
        id: 2,
        taskFailedEventDetails: { error: 'CapacityError', cause: 'none' },
      },
      entered('Task', 'FenceWorker', 3),
      { type: 'TaskSucceeded', timestamp: at(4), id: 4, taskSucceededEventDetails: { output: '{"Payload":1}' } },
      { type: 'ExecutionFailed', timestamp: at(5), id: 5, executionFailedEventDetails: { error: 'CapacityError' } },
    ] as HistoryEvent[];

    expect(summary(events)).toEqual(['launch failed 1', 'fence done 0']);
  });

  it('marks a roll-back that fails itself as failed', () => {
    const events = [
      entered('Task', 'LaunchInstance', 1),
      entered('Task', 'RollBackTerminate', 2),
      {
        type: 'TaskFailed',
        timestamp: at(3),
        id: 3,
        taskFailedEventDetails: { error: 'ProofFailedError', cause: 'left' },
      },
      { type: 'ExecutionFailed', timestamp: at(4), id: 4, executionFailedEventDetails: { error: 'ProofFailedError' } },
    ] as HistoryEvent[];

    expect(summary(events).at(-1)).toBe('rollback failed 1');
  });
});
