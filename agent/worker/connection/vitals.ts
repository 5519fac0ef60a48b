import type { Clock } from '../ports.ts';

/**
 * Signs of life of the agent's loops. Each loop says by when it will come by again; one that does not is stuck, and
 * then nobody feeds systemd's watchdog.
 */
export class Vitals {
  readonly #clock: Clock;
  readonly #due = new Map<string, number>();
  constructor(clock: Clock) {
    this.#clock = clock;
  }

  beat(loop: string, withinMs: number): void {
    this.#due.set(loop, this.#clock.monotonic() + withinMs);
  }

  stuck(): string[] {
    const now = this.#clock.monotonic();
    return [...this.#due].filter(([, due]) => due < now).map(([loop]) => loop);
  }
}
