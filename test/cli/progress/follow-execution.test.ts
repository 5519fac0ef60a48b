import type { HistoryEvent } from '@aws-sdk/client-sfn';
import { describe, expect, it } from 'vitest';
import { followExecution } from '../../../cli/progress/follow-execution.ts';
import { recordedHistory } from '../support/histories.ts';

/** Hands out a recorded history in portions, as polling sees it. */
const portions = (events: readonly HistoryEvent[], size: number) => {
  let asked = 0;
  return async (_: string, after: number) => {
    asked += size;
    return events.filter((event) => (event.id ?? 0) > after && (event.id ?? 0) <= asked);
  };
};

describe('followExecution', () => {
  it('looks until the execution has ended and reports each look', async () => {
    const counts: number[] = [];

    const progress = await followExecution('arn:execution', {
      readHistory: portions(recordedHistory('provisioned'), 20),
      onProgress: ({ phases }) => counts.push(phases.length),
      intervalMilliseconds: 0,
    });

    expect(progress.status).toBe('SUCCEEDED');
    expect(counts.length).toBe(Math.ceil(recordedHistory('provisioned').length / 20));
    expect(counts).toEqual(counts.toSorted((a, b) => a - b));
  });

  it('stops looking when its signal aborts', async () => {
    const interrupt = new AbortController();
    const following = followExecution('arn:execution', {
      readHistory: async () => [],
      onProgress: () => interrupt.abort(),
      signal: interrupt.signal,
    });

    await expect(following).rejects.toThrow(/abort/i);
  });
});
