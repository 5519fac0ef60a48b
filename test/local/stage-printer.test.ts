import { describe, expect, it } from 'vitest';
import type { Output } from '../../cli/index.ts';
import { StagePrinter } from '../../local/stage-printer.ts';
import { Stages } from '../../local/stages.ts';

const output = (isTerminal: boolean): Output & { text: string } => ({
  isTerminal,
  colour: false,
  columns: 60,
  rows: 20,
  text: '',
  write(text) {
    this.text += text;
  },
});

describe('the stages of a start', () => {
  it('are one line each when they end, in a pipe', async () => {
    const out = output(false);
    const printer = new StagePrinter(out);
    const stages = new Stages(printer.show);

    await stages.run(
      'cdk synth',
      async () => 3,
      (count) => `${count} stacks`,
    );
    printer.finish();

    expect(out.text).toMatch(/^ {2}✓ cdk synth +0\.0s {2}3 stacks\n$/);
    expect(stages.timings()).toEqual([{ stage: 'cdk synth', milliseconds: expect.any(Number) }]);
  });

  it('are shown while they run on a terminal, side by side, and leave no line of that behind', async () => {
    const out = output(true);
    const printer = new StagePrinter(out);
    const stages = new Stages(printer.show);
    const first = Promise.withResolvers<void>();
    const both = [stages.run('synth', () => first.promise), stages.run('python', async () => undefined)];

    expect(out.text).toMatch(/… synth 0\.0s, python 0\.0s/);
    first.resolve();
    await Promise.all(both);
    printer.finish();

    expect(out.text.endsWith('\r\x1b[2K')).toBe(true);
  });

  it('that fail are not told as done', async () => {
    const out = output(false);
    const stages = new Stages(new StagePrinter(out).show);

    await expect(stages.run('deploy', () => Promise.reject(new Error('no')))).rejects.toThrow('no');

    expect(out.text).toBe('');
    expect(stages.timings()).toEqual([]);
  });
});
