import { GetExecutionHistoryCommand, type HistoryEvent, SFNClient } from '@aws-sdk/client-sfn';
import { beforeEach, describe, expect, it } from 'vitest';
import { executionArn, executionName, historyReader } from '../../../cli/doors/executions.ts';
import { mockClient } from '../../support/mock-client.ts';

const sfn = mockClient(SFNClient);
beforeEach(() => sfn.reset());

const events = (from: number, to: number): HistoryEvent[] =>
  Array.from({ length: from - to + 1 }, (_, i) => ({ id: from - i, type: 'WaitStateEntered', timestamp: new Date(0) }));
const ids = (list: readonly HistoryEvent[]) => list.map(({ id }) => id);

describe('historyReader', () => {
  it('reads a whole history over its pages, oldest first', async () => {
    sfn
      .on(GetExecutionHistoryCommand)
      .resolvesOnce({ events: events(5, 3), nextToken: 'more' })
      .resolvesOnce({ events: events(2, 1) });

    expect(ids(await historyReader(new SFNClient({}))('arn', 0))).toEqual([1, 2, 3, 4, 5]);
  });

  it('reads no further back than the last known event', async () => {
    sfn.on(GetExecutionHistoryCommand).resolves({ events: events(9, 5), nextToken: 'more' });

    expect(ids(await historyReader(new SFNClient({}))('arn', 7))).toEqual([8, 9]);
    expect(sfn.calls()).toHaveLength(1);
  });

  it('closes a gap wider than a page', async () => {
    sfn
      .on(GetExecutionHistoryCommand)
      .resolvesOnce({ events: events(9, 6), nextToken: 'more' })
      .resolvesOnce({ events: events(5, 2), nextToken: 'more' });

    expect(ids(await historyReader(new SFNClient({}))('arn', 3))).toEqual([4, 5, 6, 7, 8, 9]);
  });
});

describe('execution names', () => {
  it('are computed from the machine and taken from the ARN', () => {
    const arn = executionArn('arn:aws:states:r:1:stateMachine:carrierarr-teardown', 'gpu-1-m1abcd-t1');

    expect(arn).toBe('arn:aws:states:r:1:execution:carrierarr-teardown:gpu-1-m1abcd-t1');
    expect(executionName(arn)).toBe('gpu-1-m1abcd-t1');
  });
});
