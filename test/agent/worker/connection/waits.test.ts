import { describe, expect, it } from 'vitest';
import { backOff, refusedBackOff } from '../../../../agent/worker/connection/back-off.ts';
import { Bell } from '../../../../agent/worker/connection/bell.ts';
import { LIMITS } from '../../../../agent/worker/connection/limits.ts';
import { within } from '../../../../agent/worker/connection/within.ts';
import { FakeClock } from '../support/clocks.ts';

const never = <T>(): Promise<T> => new Promise(() => {});

describe('a wait with a limit', () => {
  it('gives what comes in time', async () => {
    const clock = new FakeClock();

    expect(await within({ clock, milliseconds: 100, what: 'an answer' }, async () => 42)).toBe(42);
  });

  it('ends after its time, and tells the work', async () => {
    const clock = new FakeClock();
    let told: AbortSignal | undefined;

    const waited = within({ clock, milliseconds: 100, what: 'an answer' }, (signal) => {
      told = signal;
      return never();
    });
    const failed = expect(waited).rejects.toThrow('an answer took longer than 100 ms');
    await clock.advance(100);
    await failed;

    expect(told?.aborted).toBe(true);
  });

  it.each(['before', 'meanwhile'])('ends with the signal that was aborted %s', async (when) => {
    const outer = new AbortController();
    if (when === 'before') outer.abort(new Error('stopping'));

    const limit = { clock: new FakeClock(), milliseconds: 100, what: 'an answer', signal: outer.signal };
    const failed = expect(within(limit, () => never())).rejects.toThrow('stopping');
    outer.abort(new Error('stopping'));

    await failed;
  });

  it('hands on what the work throws at once', async () => {
    const work = (): never => {
      throw new Error('no work');
    };

    await expect(within({ clock: new FakeClock(), milliseconds: 100, what: 'it' }, work)).rejects.toThrow('no work');
  });
});

describe('back-off', () => {
  it.each([
    [0, 1000],
    [1, 2000],
    [4, 16_000],
    [5, 30_000],
    [5000, 30_000],
  ])('after %i failures is anything up to %i ms', (failures, most) => {
    expect([backOff(failures, LIMITS, () => 0), backOff(failures, LIMITS, () => 1)]).toEqual([0, most]);
  });

  it('after a refusal is a minute and a little', () => {
    expect([refusedBackOff(LIMITS, () => 0), refusedBackOff(LIMITS, () => 1)]).toEqual([60_000, 75_000]);
  });
});

describe('a bell', () => {
  const waits = async (act: (bell: Bell, clock: FakeClock, stop: AbortController) => Promise<void>) => {
    const bell = new Bell();
    const clock = new FakeClock();
    const stop = new AbortController();
    let woken = false;
    const waiting = bell.wait(clock, 1000, stop.signal).then(() => {
      woken = true;
    });
    await clock.advance(999);
    const early = woken;
    await act(bell, clock, stop);
    await waiting;
    return early;
  };

  it('is slept through to its time', async () => {
    expect(await waits((_, clock) => clock.advance(1))).toBe(false);
  });

  it('wakes who sleeps', async () => {
    expect(await waits(async (bell) => bell.ring())).toBe(false);
  });

  it('lets a stop through', async () => {
    expect(await waits(async (_, __, stop) => stop.abort())).toBe(false);
  });

  it('keeps a ring for the next sleep, and one only', async () => {
    const bell = new Bell();
    const clock = new FakeClock();
    const { signal } = new AbortController();
    let sleeps = 0;

    bell.ring();
    await bell.wait(clock, 1000, signal);
    void bell.wait(clock, 1000, signal).then(() => {
      sleeps += 1;
    });
    await clock.advance(999);

    expect(sleeps).toBe(0);
  });
});
