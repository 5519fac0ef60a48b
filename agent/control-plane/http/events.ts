import type { Context } from 'hono';
import { stream } from 'hono/streaming';
import type { Clock } from '../clock.ts';
import type { Change, Fleet } from '../fleet/fleet.ts';
import { toNodeView } from '../fleet/to-view.ts';
import type { FleetEventName, GoneEvent, HelloEvent, NodeView, PathEvent, TickEvent } from '../views.ts';
import { problem } from './problem.ts';

/** All in milliseconds. */
export interface EventTimes {
  /** Changes of one node come together for so long. */
  readonly gather: number;
  /** A reader that hears nothing for some of these knows that the stream is torn. */
  readonly tick: number;
}

export interface EventDeps {
  readonly fleet: Fleet;
  readonly clock: Clock;
  readonly version: string;
  readonly staleTimeout: number;
  readonly deadThreshold: number;
  readonly times: EventTimes;
}

type EventData = HelloEvent | NodeView | GoneEvent | PathEvent | TickEvent;

/** More readers than a household has screens. */
const MOST_READERS = 64;
/** Whoever takes nothing for so long is gone, or as good as. */
const STUCK_MILLISECONDS = 60_000;

const frame = (event: FleetEventName, data: EventData, id: number): string =>
  `event: ${event}\nid: ${id}\ndata: ${JSON.stringify(data)}\n\n`;

/**
 * What one reader still has to be told. A node that changes ten times while the reader is slow is told once: what waits
 * is names, never copies.
 */
class Reader {
  readonly #changed = new Set<string>();
  #path = false;
  #tick = false;
  #wake: (() => void) | undefined;
  ended = false;
  takingSince: number | undefined;
  /** Tears the way out, on which a reader that takes nothing would wait for ever. */
  tear: () => void = () => {};

  note(change: Change): void {
    if (change.kind === 'path') this.#path = true;
    else this.#changed.add(change.id);
  }

  tick(): void {
    this.#tick = true;
  }

  end(): void {
    this.ended = true;
    this.wake();
  }

  wake(): void {
    if (this.ended || this.#tick || this.#path || this.#changed.size > 0) this.#wake?.();
  }

  async wait(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
  }

  take(): { readonly ids: readonly string[]; readonly path: boolean; readonly tick: boolean } {
    const taken = { ids: [...this.#changed], path: this.#path, tick: this.#tick };
    this.#changed.clear();
    this.#path = false;
    this.#tick = false;
    return taken;
  }
}

/** Tells readers what happens in the fleet. */
export class EventHub {
  readonly #deps: EventDeps;
  readonly #readers = new Set<Reader>();
  readonly #stop: (() => void)[] = [];
  #sequence = 0;

  constructor(deps: EventDeps) {
    this.#deps = deps;
    const gather = setInterval(() => this.#wake(), deps.times.gather).unref();
    const tick = setInterval(() => this.#tick(), deps.times.tick).unref();
    const unsubscribe = deps.fleet.subscribe((change) => {
      for (const reader of this.#readers) reader.note(change);
    });
    this.#stop.push(
      unsubscribe,
      () => clearInterval(gather),
      () => clearInterval(tick),
    );
  }

  get readers(): number {
    return this.#readers.size;
  }

  #wake(): void {
    for (const reader of this.#readers) reader.wake();
  }

  #tick(): void {
    const now = this.#deps.clock.monotonic();
    for (const reader of this.#readers) {
      if (reader.takingSince !== undefined && now - reader.takingSince > STUCK_MILLISECONDS) reader.tear();
      else reader.tick();
    }
    this.#wake();
  }

  /** Answers one reader for as long as it stays. */
  serve(context: Context): Response {
    if (this.#readers.size >= MOST_READERS)
      return problem(
        context,
        503,
        `${MOST_READERS} readers are connected already`,
        'close other pages, or poll /api/v1/nodes',
      );
    context.header('content-type', 'text/event-stream');
    context.header('cache-control', 'no-store');
    context.header('x-accel-buffering', 'no');
    // Nobody reads what follows the head: such a reader would never leave.
    if (context.req.method === 'HEAD') return context.body(null);
    const reader = new Reader();
    this.#readers.add(reader);
    return stream(context, async (out) => {
      out.onAbort(() => reader.end());
      reader.tear = () => out.abort();
      try {
        for (let text = this.#hello(); !reader.ended; text = this.#news(reader)) {
          reader.takingSince = this.#deps.clock.monotonic();
          // Waits for as long as the reader takes: the way out holds little.
          if (text !== '') await out.write(text);
          reader.takingSince = undefined;
          await reader.wait();
        }
      } finally {
        this.#readers.delete(reader);
      }
    });
  }

  #now(): string {
    return this.#deps.clock.now().toISOString();
  }

  #hello(): string {
    const { fleet, version, staleTimeout, deadThreshold } = this.#deps;
    const hello: HelloEvent = {
      now: this.#now(),
      version,
      stale_after_seconds: staleTimeout / 1000,
      dead_after_seconds: deadThreshold / 1000,
      path: fleet.path,
      nodes: fleet.list().map(toNodeView),
    };
    return frame('hello', hello, ++this.#sequence);
  }

  #news(reader: Reader): string {
    const { fleet } = this.#deps;
    const { ids, path, tick } = reader.take();
    const frames = ids.map((id) => {
      const node = fleet.get(id);
      return node === undefined
        ? frame('gone', { id }, ++this.#sequence)
        : frame('node', toNodeView(node), ++this.#sequence);
    });
    if (path) frames.push(frame('path', { path: fleet.path }, ++this.#sequence));
    if (tick) frames.push(frame('tick', { now: this.#now() }, ++this.#sequence));
    return frames.join('');
  }

  close(): void {
    for (const stop of this.#stop) stop();
    for (const reader of this.#readers) reader.end();
  }
}
