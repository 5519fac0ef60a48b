import { describe, expect, it } from 'vitest';
import { Refusals } from '../../../../agent/control-plane/grpc/refusals.ts';
import { FakeClock, MINUTE } from '../support/fake-clock.ts';

const aDoor = () => {
  const clock = new FakeClock();
  const lines: unknown[] = [];
  return { clock, lines, refusals: new Refusals(clock, (_level, _event, facts) => void lines.push(facts)) };
};

describe('refusals', () => {
  it('are told again after ten minutes, and before that where the reason is another', () => {
    const { clock, lines, refusals } = aDoor();

    for (const reason of ['late', 'late', 'wrong']) refusals.tell('a', reason);
    clock.pass(10 * MINUTE);
    refusals.tell('a', 'late');

    expect(lines).toEqual(['late', 'wrong', 'late'].map((reason) => ({ node: 'a', reason })));
  });

  it('fill no log for whoever makes up names', () => {
    const { clock, lines, refusals } = aDoor();

    for (let count = 0; count < 1000; count += 1) refusals.tell(`${count}-${'x'.repeat(1000)}`, 'none');
    expect(lines).toHaveLength(100);
    expect(JSON.stringify(lines).length).toBeLessThan(10_000);

    clock.pass(10 * MINUTE);
    refusals.tell('a', 'none');
    expect(lines).toHaveLength(101);
  });
});
