import { describe, expect, it } from 'vitest';
import { DEFAULTS, Live } from '../../../agent/worker/live.ts';

const aLive = () => {
  const lines: { event: string; facts: unknown }[] = [];
  const live = new Live((_, event, facts) => lines.push({ event, facts }));
  return { live, lines };
};

describe('live settings', () => {
  it('begin as the known control plane has them', () => {
    expect(aLive().live.values).toEqual(DEFAULTS);
  });

  it.each([
    ['heartbeatSeconds', 1, 5],
    ['heartbeatSeconds', -7, 5],
    ['heartbeatSeconds', 2_147_483_647, 60],
    ['heartbeatSeconds', 20, 20],
    ['statusSeconds', 100_000, 300],
    ['idleShutdownMinutes', 1, 5],
    ['idleShutdownMinutes', 0, 0],
  ] as const)('take %s %i as %i', (name, asked, value) => {
    expect(aLive().live.apply({ [name]: asked }, 'test')[name]).toBe(value);
  });

  it.each([undefined, 0, Number.NaN])('leave an interval as it is for %s', (asked) => {
    const { live } = aLive();
    live.apply({ statusSeconds: 60 }, 'test');

    expect(live.apply({ statusSeconds: asked }, 'test').statusSeconds).toBe(60);
  });

  it('tell who listens of a change, and only then', () => {
    const { live, lines } = aLive();
    let told = 0;
    const end = live.onChange(() => {
      told += 1;
    });

    live.apply({ statusSeconds: 60 }, 'registration');
    live.apply({ statusSeconds: 60 }, 'registration');
    end();
    live.apply({ statusSeconds: 90 }, 'registration');

    expect(told).toBe(1);
    expect(lines[0]).toMatchObject({ event: 'settings changed', facts: { source: 'registration', statusSeconds: 60 } });
  });
});
