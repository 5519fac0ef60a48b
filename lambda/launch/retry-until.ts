import type { Clock } from '#shared/clock.ts';
import { CarrierarrError } from '#shared/errors.ts';

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 4_000;

/**
 * Repeats what fails with an error of kind *retry*, with growing, jittered pauses, as long as the next try starts before
 * `until`; then the last error stands and the state's own Retry takes over.
 */
export const retryUntil = async <T>(clock: Clock, until: Date, run: () => Promise<T>): Promise<T> => {
  for (let failures = 0; ; failures += 1) {
    try {
      return await run();
    } catch (error) {
      const pause = Math.min(FIRST_PAUSE_MS * 2 ** failures, LONGEST_PAUSE_MS) * (0.5 + Math.random() / 2);
      const worthwhile = error instanceof CarrierarrError && error.kind === 'retry';
      if (!worthwhile || clock.now().getTime() + pause >= until.getTime()) throw error;
      await clock.sleep(pause);
    }
  }
};
