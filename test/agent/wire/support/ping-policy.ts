import { FRAME, type Frame } from './frames.ts';

/** More strikes than this, and grpc-go says GOAWAY with ENHANCE_YOUR_CALM. */
export const STRIKES_ALLOWED = 2;

/** Without a stream grpc-go wants that much between pings, if not told otherwise. */
const IDLE_MS = 2 * 3_600_000;

/**
 * The keep-alive policy of servers written with grpc-go, as its handlePing has it: a ping too soon after the last is a
 * strike, and all are forgotten whenever the server sends data or headers.
 */
export class PingPolicy {
  strikes = 0;
  worst = 0;
  pings = 0;
  readonly #minimumMs: number;
  readonly #open = new Set<number>();
  #lastPing = Number.NEGATIVE_INFINITY;
  #forget = false;

  constructor(minimumMs: number) {
    this.#minimumMs = minimumMs;
  }

  fromServer(frame: Frame): void {
    if (frame.type === FRAME.data || frame.type === FRAME.headers) this.#forget = true;
    if (frame.type === FRAME.headers && (frame.flags & 1) === 1) this.#open.delete(frame.stream);
  }

  fromClient(frame: Frame, now: number): void {
    if (frame.type === FRAME.headers) this.#open.add(frame.stream);
    if (frame.type === FRAME.reset) this.#open.delete(frame.stream);
    if (frame.type === FRAME.ping && (frame.flags & 1) === 0) this.#ping(now);
  }

  #ping(now: number): void {
    this.pings += 1;
    const minimum = this.#open.size === 0 ? IDLE_MS : this.#minimumMs;
    if (this.#forget) {
      this.strikes = 0;
      this.#forget = false;
    } else if (this.#lastPing + minimum > now) {
      this.strikes += 1;
      this.worst = Math.max(this.worst, this.strikes);
    }
    this.#lastPing = now;
  }
}
