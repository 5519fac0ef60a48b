import { stripVTControlCharacters } from 'node:util';
import { describe, expect, it } from 'vitest';
import { foldHistory } from '../../../cli/progress/fold-history.ts';
import { progressMode, progressRenderer } from '../../../cli/render/progress.ts';
import { recordedHistory } from '../support/histories.ts';
import { recordedOutput } from '../support/output.ts';

const provisioned = recordedHistory('provisioned');
const ESCAPE = '\x1b';
const subject = 'gpu-worker-a1b2';

const play = (mode: 'live' | 'lines' | 'json', output = recordedOutput(), events = provisioned) => {
  const renderer = progressRenderer(output, mode);
  for (let length = 1; length <= events.length; length++) {
    renderer.update([{ subject, progress: foldHistory(events.slice(0, length)) }]);
  }
  renderer.finish();
  return output.text();
};

/** What a terminal shows in the end: applies the only escapes the renderer uses, cursor up and erase line. */
const screen = (text: string): string[] => {
  const lines: string[] = [];
  let at = 0;
  for (const part of text.split('\n')) {
    const up = part.split(ESCAPE).find((code) => /^\[\d+A/.test(code));
    at -= Number.parseInt(up?.slice(1) ?? '0', 10);
    lines[at++] = stripVTControlCharacters(part);
  }
  return lines.filter((line) => line !== '');
};

describe('progressRenderer', () => {
  it('draws every phase once on a terminal, however often it redraws', () => {
    const lines = screen(play('live', recordedOutput({ isTerminal: true })));

    expect(lines).toHaveLength(7);
    expect(lines[0]).toMatch(/^ {2}✓ Reserve name and mesh address +0\.\ds$/);
    expect(lines[2]).toMatch(/✓ Launch instance +\d\.\ds \(retried: ThrottledError\)$/);
  });

  it('never draws a line wider than the terminal', () => {
    const lines = screen(play('live', recordedOutput({ isTerminal: true, columns: 40 })));

    expect(Math.max(...lines.map((line) => line.length))).toBeLessThan(40);
  });

  it('draws one line per execution when there are several, and no more than fit', () => {
    const output = recordedOutput({ isTerminal: true, rows: 6 });
    const progress = foldHistory(provisioned.slice(0, 30));
    const followed = Array.from({ length: 9 }, (_, i) => ({ subject: `w${i}`, progress }));

    progressRenderer(output, 'live').update(followed);

    expect(screen(output.text())).toHaveLength(5);
    expect(output.text()).toContain('… and 5 more');
  });

  it('writes one plain line per change when piped, without escapes', () => {
    const text = play('lines');

    expect(text).not.toContain('\x1b');
    expect(text.trim().split('\n')).toHaveLength(14);
    expect(text).toMatch(/^ +0\.\ds {2}gpu-worker-a1b2 {2}Reserve name and mesh address: running\n/);
  });

  it('writes one JSON object per change for machines', () => {
    const events = play('json')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);

    expect(events).toHaveLength(14);
    expect(events.at(-1)).toMatchObject({ event: 'phase', subject, phase: 'ready', status: 'done' });
  });

  it('names the error of a phase that failed', () => {
    expect(play('lines', recordedOutput(), recordedHistory('rolled-back'))).toMatch(
      /Verify mesh: failed \(.*\) StepFailedError/,
    );
  });
});

describe('progressMode', () => {
  it('prefers JSON, then the terminal', () => {
    expect(progressMode(recordedOutput({ isTerminal: true }), true)).toBe('json');
    expect(progressMode(recordedOutput({ isTerminal: true }), false)).toBe('live');
    expect(progressMode(recordedOutput(), false)).toBe('lines');
  });
});
