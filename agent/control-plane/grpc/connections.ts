import type { ServerHttp2Session } from 'node:http2';
import type { Log } from '../../shared/log.ts';

/** All in milliseconds. */
export interface ConnectionLimits {
  readonly pingInterval: number;
  readonly pingTimeout: number;
  readonly maxConnectionAge: number;
  readonly connectionGrace: number;
}

/** Rounds of pings that a connection may rest without any call. */
const RESTING_ROUNDS = 5;
/** So that a thousand agents do not come back in the same second. */
const JITTER = 0.1;

/** One connection of agents: probed, and asked to end at a certain age. */
export class Connection {
  readonly #session: ServerHttp2Session;
  readonly #limits: ConnectionLimits;
  readonly #log: Log;
  readonly #streams = new Set<{ end(reason: string): void }>();
  readonly #pings: NodeJS.Timeout;
  readonly #age: NodeJS.Timeout;
  readonly #unanswered = new Set<NodeJS.Timeout>();
  #calls = 0;
  #resting = 0;
  #overdue: NodeJS.Timeout | undefined;
  /** Known agents never come back from the end of a connection, so theirs has no age. */
  ageless = false;

  constructor(session: ServerHttp2Session, limits: ConnectionLimits, log: Log, random: () => number) {
    this.#session = session;
    this.#limits = limits;
    this.#log = log;
    this.#pings = setInterval(() => this.#probe(), limits.pingInterval).unref();
    const age = limits.maxConnectionAge * (1 + JITTER * (2 * random() - 1));
    this.#age = setTimeout(() => this.#retire(), age).unref();
    session.on('stream', (stream) => {
      this.#calls += 1;
      stream.once('close', () => {
        this.#calls -= 1;
      });
    });
    // What is wrong with a session ends that session; the event would end the process if nobody listened.
    session.on('error', (error: Error) => log('debug', 'connection failed', { reason: error.message }));
    session.once('close', () => this.#release());
  }

  /** A stream that has to be told before the connection ends. */
  hold(stream: { end(reason: string): void }): () => void {
    this.#streams.add(stream);
    return () => this.#streams.delete(stream);
  }

  /** GOAWAY first, so that calls under way come to their end; what is left after the grace is cut. */
  close(reason: string, grace = this.#limits.connectionGrace): void {
    if (this.#session.destroyed) return;
    if (!this.#session.closed) this.#session.close();
    for (const stream of this.#streams) stream.end(reason);
    clearTimeout(this.#overdue);
    this.#overdue = setTimeout(() => this.#session.destroy(), grace);
  }

  #retire(): void {
    if (!this.ageless) this.close('the connection has reached its age: connect anew');
  }

  #probe(): void {
    if (this.#session.destroyed || this.#session.closed) return;
    this.#resting = this.#calls > 0 ? 0 : this.#resting + 1;
    if (this.#resting >= RESTING_ROUNDS) {
      this.close('nothing was called for long');
      return;
    }
    const silent = setTimeout(() => {
      this.#log('info', 'connection is half open', { streams: this.#streams.size });
      this.#session.destroy();
    }, this.#limits.pingTimeout);
    const heard = (): void => {
      clearTimeout(silent);
      this.#unanswered.delete(silent);
    };
    this.#unanswered.add(silent);
    // False where too many pings are unanswered already: the timers of those decide.
    const sent = this.#session.ping((error) => {
      if (error === null) heard();
    });
    if (!sent) heard();
  }

  #release(): void {
    clearInterval(this.#pings);
    clearTimeout(this.#age);
    clearTimeout(this.#overdue);
    for (const silent of this.#unanswered) clearTimeout(silent);
    for (const stream of this.#streams) stream.end('the connection is gone');
  }
}
