import { systemClock } from '../../agent/worker/clock.ts';
import type { Clock } from '../../agent/worker/ports.ts';

const TICK_MS = 5;
/** What counts of a longer pause: then this process was stopped, or waited for a processor, and answered nobody. */
const MOST_MS = 25;

let passed = 0;
let ticking: NodeJS.Timeout | undefined;

/** Milliseconds that this process ran; what a stopped or busy machine took from it does not count. */
const runningTime = (): number => {
  if (ticking === undefined) {
    let last = performance.now();
    ticking = setInterval(() => {
      const now = performance.now();
      passed += Math.min(now - last, MOST_MS);
      last = now;
    }, TICK_MS).unref();
  }
  return passed;
};

/**
 * The running time of this process, some times faster: an agent's real limits hold in a test that does not wait for
 * them, and a machine that stands still for a second does not break them.
 */
export class FastClock implements Clock {
  /** Added to what the wall shows: the jump of a clock that somebody sets. */
  jumpMs = 0;
  readonly #factor: number;

  /** @param factor - seconds of the agent that pass in one of the test */
  constructor(factor: number) {
    this.#factor = factor;
  }

  now(): Date {
    return new Date(Date.now() + this.jumpMs);
  }

  monotonic(): number {
    return runningTime() * this.#factor;
  }

  async sleep(milliseconds: number, signal?: AbortSignal): Promise<void> {
    const end = this.monotonic() + milliseconds;
    for (let left = milliseconds; left > 0 && signal?.aborted !== true; left = end - this.monotonic())
      await systemClock.sleep(Math.max(left / this.#factor, 1), signal);
  }
}
