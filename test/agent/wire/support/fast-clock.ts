import type { Clock } from '../../../../agent/worker/ports.ts';

/** A clock on which time passes faster than on the wall, so that the agent's own limits hold in tests. */
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
    return performance.now() * this.#factor;
  }

  sleep(milliseconds: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal?.aborted === true) return resolve();
      const done = (): void => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', done);
        resolve();
      };
      const timer = setTimeout(done, milliseconds / this.#factor);
      signal?.addEventListener('abort', done);
    });
  }
}
