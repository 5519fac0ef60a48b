import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type EventStream, followFleet, type Limits } from '../../../../agent/control-plane/page/connection.ts';
import type { Change } from '../../../../agent/control-plane/page/model/fleet.ts';
import { ago, helloOf, NOW, nodeView } from './builders.ts';

const LIMITS: Limits = { silenceMilliseconds: 35_000, firstRetryMilliseconds: 500, longestRetryMilliseconds: 15_000 };

/** A browser's stream that a test speaks through. */
class PlayedStream implements EventStream {
  closed = false;
  readonly #listeners = new Map<string, (event: { readonly data?: unknown }) => void>();
  addEventListener(name: string, listener: (event: { readonly data?: unknown }) => void): void {
    this.#listeners.set(name, listener);
  }
  close(): void {
    this.closed = true;
  }
  say(name: string, data?: unknown): void {
    this.#listeners.get(name)?.({ data: JSON.stringify(data) });
  }
}

const follow = () => {
  const streams: PlayedStream[] = [];
  const changes: Change[] = [];
  const live: boolean[] = [];
  const clocks: number[] = [];
  const connection = followFleet(
    () => {
      streams.push(new PlayedStream());
      return streams.at(-1) ?? new PlayedStream();
    },
    {
      changed: (change) => changes.push(change),
      clock: (now) => clocks.push(now),
      live: (isLive) => live.push(isLive),
    },
    LIMITS,
  );
  const last = (): PlayedStream => streams.at(-1) ?? new PlayedStream();
  return { connection, streams, changes, live, clocks, last };
};

describe('the connection to the control plane', () => {
  beforeEach(() => {
    vi.useFakeTimers();
    vi.spyOn(Math, 'random').mockReturnValue(1);
  });
  afterEach(() => {
    vi.useRealTimers();
    vi.restoreAllMocks();
  });

  it('is live from the hello on, and passes on what happens', () => {
    const { last, changes, live, clocks } = follow();

    last().say('hello', helloOf(nodeView()));
    last().say('node', nodeView({ state: 'stale' }));
    last().say('gone', { id: 'x' });
    last().say('path', { path: 'suspect' });

    expect(live).toEqual([true]);
    expect(changes.map(({ kind }) => kind)).toEqual(['hello', 'node', 'gone', 'path']);
    expect(clocks).toEqual([NOW]);
  });

  it('opens anew after an error, each time after twice as long, and never gives up', () => {
    const { last, streams, live } = follow();

    const opened = [500, 1000, 2000, 4000, 8000, 15_000, 15_000].map((wait) => {
      const { length } = streams;
      last().say('error');
      vi.advanceTimersByTime(wait - 1);
      const early = streams.length - length;
      vi.advanceTimersByTime(1);
      return [early, streams.length - length];
    });

    expect(opened).toEqual(opened.map(() => [0, 1]));
    expect(live).not.toContain(true);
    expect(streams.slice(0, -1).every(({ closed }) => closed)).toBe(true);
  });

  it('begins again with the shortest wait once it has been live', () => {
    const { last, streams } = follow();
    last().say('error');
    vi.advanceTimersByTime(500);
    last().say('hello', helloOf());

    last().say('error');
    vi.advanceTimersByTime(500);

    expect(streams).toHaveLength(3);
  });

  it('takes silence for a torn stream, and a tick for a sign of life', () => {
    const { last, live, streams } = follow();
    last().say('hello', helloOf());

    vi.advanceTimersByTime(30_000);
    last().say('tick', { now: ago(0) });
    vi.advanceTimersByTime(34_999);
    const before = [...live];
    vi.advanceTimersByTime(1);

    expect(before).toEqual([true]);
    expect(live).toEqual([true, false]);
    expect(streams[0]?.closed).toBe(true);
  });

  it('hears nothing any more from a stream that it gave up', () => {
    const { streams, changes } = follow();
    streams[0]?.say('error');
    vi.advanceTimersByTime(500);

    streams[0]?.say('hello', helloOf(nodeView()));
    streams[0]?.say('error');

    expect(changes).toEqual([]);
    expect(streams).toHaveLength(2);
  });

  it('does not wait when it is told to try at once, and opens no second stream beside a live one', () => {
    const { connection, last, streams } = follow();
    last().say('error');

    connection.retry();
    connection.retry();
    vi.advanceTimersByTime(20_000);

    expect(streams).toHaveLength(2);
  });
});
