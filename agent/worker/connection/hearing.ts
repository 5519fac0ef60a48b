import type { Clock } from '../ports.ts';

/** Longer than this without a word from the control plane, and the agent calls itself unhealthy. */
export const SILENCE_MILLISECONDS = 120_000;

/** When the control plane was last heard: an answer or a message, not a mere open connection. */
export class Hearing {
  readonly #clock: Clock;
  readonly #silenceMs: number;
  #last: number;
  #state: { readonly connected: boolean; readonly text: string } = { connected: false, text: 'not connected yet' };
  readonly #listeners = new Set<() => void>();

  constructor(clock: Clock, silenceMs = SILENCE_MILLISECONDS) {
    this.#clock = clock;
    this.#silenceMs = silenceMs;
    // A start counts as a word: the first connection may take its time.
    this.#last = clock.monotonic();
  }

  get connected(): boolean {
    return this.#state.connected;
  }

  /** How things stand, in words. */
  get text(): string {
    return this.#state.text;
  }

  turned(connected: boolean, text: string): void {
    const changed = connected !== this.#state.connected || text !== this.#state.text;
    this.#state = { connected, text };
    if (changed) for (const listener of this.#listeners) listener();
  }

  onChange(listener: () => void): void {
    this.#listeners.add(listener);
  }

  heard(): void {
    this.#last = this.#clock.monotonic();
  }

  silentSeconds(): number {
    return Math.floor((this.#clock.monotonic() - this.#last) / 1000);
  }

  healthy(): boolean {
    return this.#clock.monotonic() - this.#last < this.#silenceMs;
  }
}
