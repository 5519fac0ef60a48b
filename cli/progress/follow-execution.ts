import { setTimeout as sleep } from 'node:timers/promises';
import type { HistoryEvent } from '@aws-sdk/client-sfn';
import { type ExecutionProgress, foldHistory } from './fold-history.ts';

/** Reads the events of an execution after the one with id `after`, oldest first. */
export type ReadHistory = (executionArn: string, after: number) => Promise<HistoryEvent[]>;

export interface FollowOptions {
  readonly readHistory: ReadHistory;
  /** Called after every look, also when nothing changed, so that running clocks move. */
  readonly onProgress?: (progress: ExecutionProgress) => void;
  /** Stops following; the execution itself goes on. */
  readonly signal?: AbortSignal;
  /** Milliseconds between looks. @default 1000: well inside the 20 calls a second that an account may make */
  readonly intervalMilliseconds?: number;
}

/**
 * Follows an execution to its end and returns how it ended, whether well or badly.
 *
 * @throws the signal's reason once it aborts
 */
export const followExecution = async (executionArn: string, options: FollowOptions): Promise<ExecutionProgress> => {
  const { readHistory, onProgress, signal, intervalMilliseconds = 1000 } = options;
  const events: HistoryEvent[] = [];
  for (;;) {
    signal?.throwIfAborted();
    events.push(...(await readHistory(executionArn, events.at(-1)?.id ?? 0)));
    const progress = foldHistory(events);
    onProgress?.(progress);
    if (progress.status !== 'RUNNING') return progress;
    await sleep(intervalMilliseconds, undefined, signal === undefined ? {} : { signal });
  }
};
