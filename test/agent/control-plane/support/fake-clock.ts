import type { Clock } from '../../../../agent/control-plane/clock.ts';

/** Both clocks in one hand; the wall's can jump alone. */
export class FakeClock implements Clock {
  #wall = Date.parse('2026-11-22T10:00:00Z');
  #monotonic = 1_000_000;

  now(): Date {
    return new Date(this.#wall);
  }

  monotonic(): number {
    return this.#monotonic;
  }

  pass(milliseconds: number): void {
    this.#wall += milliseconds;
    this.#monotonic += milliseconds;
  }

  /** Somebody sets the wall's clock. */
  jump(milliseconds: number): void {
    this.#wall += milliseconds;
  }
}

export const SECOND = 1000;
export const MINUTE = 60_000;
export const HOUR = 3_600_000;
