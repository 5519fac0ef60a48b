import { afterEach, describe, expect, it, vi } from 'vitest';
import { openBoard, pause } from '../../../cli/ami/board.ts';
import type { Io } from '../../../cli/io.ts';
import { NOW } from '../support/builders.ts';
import { recordedOutput } from '../support/output.ts';

afterEach(() => {
  vi.restoreAllMocks();
});

const anIo = (terminal: boolean, overrides: Partial<Io> = {}) => {
  const out = recordedOutput({ isTerminal: terminal });
  let seconds = 0;
  const io: Io = {
    out,
    err: recordedOutput(),
    environment: {},
    pollMilliseconds: 0,
    // Every look at the clock is a second later.
    now: () => new Date(NOW.getTime() + 1000 * seconds++),
    ask: undefined,
    interruption: { signal: new AbortController().signal, notice: '', arm: () => {}, disarm: () => {} },
    ...overrides,
  };
  return { io, out };
};

describe('the board', () => {
  it('tells a pipe of each change once, however often a phase is entered', () => {
    const { io, out } = anIo(false);
    const board = openBoard(['gpu-worker'], io, false);

    board.enter('gpu-worker', 'building', 'Run the scripts');
    board.enter('gpu-worker', 'building', 'Run the scripts');
    board.enter('gpu-worker', 'testing', 'Boot it and look');
    board.end('gpu-worker', 'failed');
    board.close();

    expect(
      out
        .text()
        .split('\n')
        .map((line) => line.trim().replace(/^\S+ +/, '')),
    ).toEqual([
      'gpu-worker  Run the scripts: running',
      expect.stringMatching(/^gpu-worker {2}Run the scripts: done \(/),
      'gpu-worker  Boot it and look: running',
      expect.stringMatching(/^gpu-worker {2}Boot it and look: failed \(/),
      '',
    ]);
  });

  it('keeps one line for each subject on a terminal, and stops drawing once it is closed', () => {
    vi.useFakeTimers();
    try {
      const { io, out } = anIo(true);
      const board = openBoard(['lighthouse', 'gpu-worker'], io, false);
      board.enter('lighthouse', 'building', 'Run the scripts');
      vi.advanceTimersByTime(500);
      board.close();
      const drawn = out.text();
      vi.advanceTimersByTime(500);

      expect(drawn).toContain('lighthouse  Run the scripts');
      expect(drawn).toContain('gpu-worker  Starting');
      expect(out.text()).toBe(drawn);
    } finally {
      vi.useRealTimers();
    }
  });
});

describe('the pause between two looks', () => {
  it.each([
    [0, 8],
    [1, 12],
  ])('is five looks long, never quite the same: at %d', async (random, milliseconds) => {
    vi.spyOn(Math, 'random').mockReturnValue(random);
    const { io } = anIo(false, { pollMilliseconds: 2 });
    const begin = performance.now();

    await pause(io);

    expect(performance.now() - begin).toBeGreaterThanOrEqual(milliseconds - 1);
  });

  it('ends at once when it is interrupted', async () => {
    const interruption = { signal: AbortSignal.abort(), notice: '', arm: () => {}, disarm: () => {} };
    const { io } = anIo(false, { pollMilliseconds: 60_000, interruption });

    await expect(pause(io)).rejects.toMatchObject({ name: 'AbortError' });
  });
});
