import { performance } from 'node:perf_hooks';

/** Two clocks: the wall's to show, and one that nobody sets to judge by. */
export interface Clock {
  now(): Date;
  /** Milliseconds since some moment; never goes back, whatever happens to the wall's clock. */
  monotonic(): number;
}

export const systemClock: Clock = { now: () => new Date(), monotonic: () => performance.now() };
