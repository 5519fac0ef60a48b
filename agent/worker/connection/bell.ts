import type { Clock } from '../ports.ts';

/** A sleep that somebody else may cut short. A ring while nobody sleeps is kept for the next sleep. */
export class Bell {
  #rung = false;
  #waking: AbortController | undefined;

  ring(): void {
    this.#rung = true;
    this.#waking?.abort();
  }

  async wait(clock: Clock, milliseconds: number, signal: AbortSignal): Promise<void> {
    if (!this.#rung && !signal.aborted) {
      const waking = new AbortController();
      const wake = (): void => waking.abort();
      this.#waking = waking;
      signal.addEventListener('abort', wake);
      await clock.sleep(milliseconds, waking.signal);
      signal.removeEventListener('abort', wake);
      this.#waking = undefined;
    }
    this.#rung = false;
  }
}
