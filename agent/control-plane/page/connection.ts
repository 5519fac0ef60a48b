import type { HelloEvent, NodeView, PathEvent, TickEvent } from '../views.ts';
import type { Change } from './model/fleet.ts';

/** As much of the browser's EventSource as is used, so that a test can play it. */
export interface EventStream {
  addEventListener(name: string, listener: (event: { readonly data?: unknown }) => void): void;
  close(): void;
}

/** What the connection tells. */
export interface Listener {
  changed(change: Change): void;
  /** The server's clock: a telephone's may be minutes off, and ages are counted against this one. */
  clock(serverNow: number): void;
  live(isLive: boolean): void;
}

export interface Limits {
  /** A tick comes every ten seconds; this long without anything and the stream is torn, whatever the browser thinks. */
  readonly silenceMilliseconds: number;
  readonly firstRetryMilliseconds: number;
  readonly longestRetryMilliseconds: number;
}

export const LIMITS: Limits = {
  silenceMilliseconds: 35_000,
  firstRetryMilliseconds: 500,
  longestRetryMilliseconds: 15_000,
};

export interface Connection {
  /** Tries at once: the tab is looked at again, or the network is back. */
  retry(): void;
}

interface Handlers {
  readonly hello: (data: HelloEvent) => void;
  readonly node: (data: NodeView) => void;
  readonly gone: (data: { readonly id: string }) => void;
  readonly path: (data: PathEvent) => void;
  readonly tick: (data: TickEvent) => void;
}

const handlersOf = (listener: Listener, greeted: () => void): Handlers => ({
  hello: (hello) => {
    listener.clock(Date.parse(hello.now));
    listener.changed({ kind: 'hello', hello });
    greeted();
  },
  node: (node) => listener.changed({ kind: 'node', node }),
  gone: ({ id }) => listener.changed({ kind: 'gone', id }),
  path: ({ path }) => listener.changed({ kind: 'path', path }),
  tick: ({ now }) => listener.clock(Date.parse(now)),
});

/** Follows the control plane's events for ever: the browser's own reconnection gives up on an answer that is not 200. */
class Follower implements Connection {
  readonly #open: () => EventStream;
  readonly #listener: Listener;
  readonly #limits: Limits;
  #stream: EventStream | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #failures = 0;

  constructor(open: () => EventStream, listener: Listener, limits: Limits) {
    this.#open = open;
    this.#listener = listener;
    this.#limits = limits;
  }

  #after(milliseconds: number, then: () => void): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(then, milliseconds);
  }

  start(): void {
    const stream = this.#open();
    this.#stream = stream;
    const handlers = handlersOf(this.#listener, () => {
      this.#failures = 0;
      this.#listener.live(true);
    });
    const watch = (): void => this.#after(this.#limits.silenceMilliseconds, () => this.#lost(stream));
    for (const [name, handle] of Object.entries(handlers)) {
      stream.addEventListener(name, ({ data }) => {
        if (stream !== this.#stream) return;
        watch();
        handle(JSON.parse(String(data)));
      });
    }
    stream.addEventListener('error', () => this.#lost(stream));
    watch();
  }

  #lost(stream: EventStream): void {
    if (stream !== this.#stream) return;
    this.#end();
    this.#listener.live(false);
    const { firstRetryMilliseconds: first, longestRetryMilliseconds: longest } = this.#limits;
    const wait = Math.min(longest, first * 2 ** this.#failures);
    this.#failures += 1;
    this.#after(wait * (0.5 + Math.random() / 2), () => this.start());
  }

  #end(): void {
    clearTimeout(this.#timer);
    this.#stream?.close();
    this.#stream = undefined;
  }

  retry(): void {
    if (this.#stream !== undefined) return;
    clearTimeout(this.#timer);
    this.start();
  }
}

/** @param open - opens a new stream of events */
export const followFleet = (open: () => EventStream, listener: Listener, limits: Limits = LIMITS): Connection => {
  const follower = new Follower(open, listener, limits);
  follower.start();
  return follower;
};
