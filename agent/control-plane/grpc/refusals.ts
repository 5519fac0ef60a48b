import type { Log } from '../../shared/log.ts';
import type { Clock } from '../clock.ts';

const AGAIN_MILLISECONDS = 600_000;
/** Whoever makes up a name for each attempt gets no further line. */
const MOST_REMEMBERED = 100;
const LONGEST = 60;

/**
 * Tells the log whom the door is shut to, since the agent's own is on its node, where nobody looks first. Refused agents
 * come back twice a minute, which is not news each time.
 */
export class Refusals {
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #toldAt = new Map<string, number>();

  constructor(clock: Clock, log: Log) {
    this.#clock = clock;
    this.#log = log;
  }

  tell(nodeId: string, reason: string, remedy?: string): void {
    const now = this.#clock.monotonic();
    for (const [what, at] of this.#toldAt) if (now - at >= AGAIN_MILLISECONDS) this.#toldAt.delete(what);
    const node = nodeId.slice(0, LONGEST);
    const what = JSON.stringify([node, reason]);
    if (this.#toldAt.has(what) || this.#toldAt.size >= MOST_REMEMBERED) return;
    this.#toldAt.set(what, now);
    this.#log('warn', 'registration refused', remedy === undefined ? { node, reason } : { node, reason, remedy });
  }
}
