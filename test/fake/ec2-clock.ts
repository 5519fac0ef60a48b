import { createManualClock, type ManualClock } from './memory-registry.ts';

/** A clock on which sleeping takes exactly as long as asked, at once. */
export const createSleepingClock = (start?: string): ManualClock => {
  const clock = createManualClock(start);
  return {
    ...clock,
    sleep: async (milliseconds) => {
      clock.advance(milliseconds);
      await clock.sleep(milliseconds);
    },
  };
};
