import type { Log } from '../../shared/log.ts';
import type { Clock } from '../ports.ts';
import { oneLine } from '../text.ts';

/** Asks one thing of the node: what was found, or what stands for it where there is no answer. */
export type Ask = <T, U>(name: string, work: () => Promise<T>, fallback: (reason: string) => U) => Promise<T | U>;

// More than a probe's own calls may take.
const LIMIT_MS = 9000;

/**
 * Gives each probe a limit and catches what it throws, so that one that hangs or breaks costs the others nothing. The
 * probes' calls have limits too; this one holds even where a call ignores its own. A fault is told when it comes and
 * when it goes.
 */
export const createAsk = (clock: Clock, log: Log): Ask => {
  const faults = new Map<string, string>();
  const running = new Map<string, { readonly result: Promise<unknown>; readonly at: number }>();
  const tell = (name: string, reason: string): void => {
    if (faults.get(name) !== reason) log('warn', 'probe-failed', { probe: name, reason });
    faults.set(name, reason);
  };

  /** Who asks while the same probe runs shares it; one that hangs in the kernel holds a thread and gets no company. */
  const start = <T>(name: string, work: () => Promise<T>): Promise<T> => {
    const before = running.get(name);
    if (before !== undefined && clock.monotonic() - before.at >= LIMIT_MS) throw new Error('it still hangs');
    // One name stands for one kind of work.
    if (before !== undefined) return before.result as Promise<T>;
    const result = work().finally(() => running.delete(name));
    running.set(name, { result, at: clock.monotonic() });
    return result;
  };

  return async (name, work, fallback) => {
    const over = new AbortController();
    const late = clock.sleep(LIMIT_MS, over.signal).then(() => {
      throw new Error(`no answer within ${LIMIT_MS / 1000} s`);
    });
    try {
      const value = await Promise.race([start(name, work), late]);
      if (faults.delete(name)) log('info', 'probe-works-again', { probe: name });
      return value;
    } catch (error) {
      const reason = oneLine(error instanceof Error ? error.message : String(error));
      tell(name, reason);
      return fallback(reason);
    } finally {
      // The clock's sleep ends with this, and nobody listens any more.
      late.catch(() => {});
      over.abort();
    }
  };
};
