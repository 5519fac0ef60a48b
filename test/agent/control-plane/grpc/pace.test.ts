import { describe, expect, it } from 'vitest';
import { createPace } from '../../../../agent/control-plane/grpc/pace.ts';

describe('a pace', () => {
  it('lets a burst through, then as much as comes back, and the burst after a rest', () => {
    let now = 0;
    const pace = createPace(3, 10, () => now);

    expect([pace(), pace(), pace()]).toEqual([0, 0, 0]);
    const waits = Array.from({ length: 5 }, () => {
      const milliseconds = pace();
      now += milliseconds;
      return milliseconds;
    });
    expect(waits).toEqual([100, 100, 100, 100, 100]);

    now += 60_000;
    expect([pace(), pace(), pace(), pace()]).toEqual([0, 0, 0, 100]);
  });
});
