import type { Clock } from '../ports.ts';

/** Something took longer than it may. */
export class TimeLimitError extends Error {
  constructor(what: string, milliseconds: number) {
    super(`${what} took longer than ${milliseconds} ms`);
    this.name = 'TimeoutError';
  }
}

export interface Limit {
  readonly clock: Clock;
  readonly milliseconds: number;
  /** What is waited for, for the error. */
  readonly what: string;
  /** Ends the wait before its time. */
  readonly signal?: AbortSignal;
}

/**
 * Waits for work, but never longer than told and never beyond the signal's abort. The work is told by a signal of its
 * own; work that does not listen is left behind, and its late end is nobody's any more.
 */
export const within = async <T>(limit: Limit, work: (signal: AbortSignal) => Promise<T>): Promise<T> => {
  const { clock, milliseconds, what, signal } = limit;
  const inner = new AbortController();
  const waiting = new AbortController();
  const onAbort = (): void => inner.abort(signal?.reason);
  if (signal?.aborted === true) onAbort();
  signal?.addEventListener('abort', onAbort);
  const aborted = new Promise<never>((_, reject) => {
    const giveUp = (): void => reject(inner.signal.reason);
    if (inner.signal.aborted) giveUp();
    inner.signal.addEventListener('abort', giveUp);
  });
  void clock.sleep(milliseconds, waiting.signal).then(() => {
    if (!waiting.signal.aborted) inner.abort(new TimeLimitError(what, milliseconds));
  });
  try {
    return await Promise.race([aborted, Promise.resolve().then(() => work(inner.signal))]);
  } finally {
    waiting.abort();
    signal?.removeEventListener('abort', onAbort);
  }
};
