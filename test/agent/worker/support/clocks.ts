import type { Clock } from '../../../../agent/worker/ports.ts';

interface Sleeper {
  readonly at: number;
  readonly wake: () => void;
}

/** Time that passes when the test says so. */
export class FakeClock implements Clock {
  #monotonic = 0;
  #wall = Date.parse('2026-11-22T12:00:00Z');
  readonly #sleepers = new Set<Sleeper>();

  now(): Date {
    return new Date(this.#wall);
  }

  monotonic(): number {
    return this.#monotonic;
  }

  sleep(milliseconds: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted === true) return Promise.resolve();
    return new Promise((resolve) => {
      const wake = (): void => {
        this.#sleepers.delete(sleeper);
        signal?.removeEventListener('abort', wake);
        resolve();
      };
      const sleeper = { at: this.#monotonic + milliseconds, wake };
      this.#sleepers.add(sleeper);
      signal?.addEventListener('abort', wake);
    });
  }

  /** The wall clock is set; nothing else happens. */
  setWall(date: string): void {
    this.#wall = Date.parse(date);
  }

  /** Lets the time pass, waking whoever is due on the way. */
  async advance(milliseconds: number, settle: () => Promise<void> = soon): Promise<void> {
    const end = this.#monotonic + milliseconds;
    for (;;) {
      await settle();
      const [next] = [...this.#sleepers].filter(({ at }) => at <= end).sort((one, other) => one.at - other.at);
      if (next === undefined) break;
      this.#pass(next.at - this.#monotonic);
      next.wake();
    }
    this.#pass(end - this.#monotonic);
    await settle();
  }

  #pass(milliseconds: number): void {
    this.#monotonic += Math.max(0, milliseconds);
    this.#wall += Math.max(0, milliseconds);
  }
}

/** Everything that is ready to run has run. */
export const soon = (): Promise<void> => new Promise((resolve) => setImmediate(() => setImmediate(resolve)));

/** Also what the kernel says by return; it is heard after the timers of a process that was stopped. */
export const soonWithNetwork = async (milliseconds = 3): Promise<void> => {
  await new Promise((resolve) => setTimeout(resolve, milliseconds));
  await soon();
};
