import { afterEach, describe, expect, it } from 'vitest';
import { freePort } from '../../../../local/process/free-port.ts';
import { until } from '../../../support/eventually.ts';
import { FakeControlPlane } from '../support/a-control-plane.ts';
import { anAgent } from '../support/an-agent.ts';
import { FakeClock, soonWithNetwork } from '../support/clocks.ts';

const MINUTE = 60_000;

const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

describe('an hour without a network', () => {
  it('is survived: 503 after two minutes, attempts all the time, few lines, and back within 30 s', async () => {
    const clock = new FakeClock();
    const port = await freePort();
    const agent = anAgent(port, { clock, random: () => 0.99 });
    cleanUps.push(async () => {
      const stopped = agent.stop();
      await clock.advance(5000, soonWithNetwork);
      await stopped;
    });
    await clock.advance(1.9 * MINUTE, soonWithNetwork);
    const early = agent.hearing.healthy();
    await clock.advance(0.2 * MINUTE, soonWithNetwork);
    const late = agent.hearing.healthy();
    // Nobody measures by a clock that can be set.
    clock.setWall('2020-01-01T00:00:00Z');
    await clock.advance(58 * MINUTE, soonWithNetwork);
    const lines = agent.lines.length;
    const { text } = agent.hearing;

    const plane = await new FakeControlPlane().listen(port);
    cleanUps.push(() => plane.close());
    // The longest pause; once an attempt is under way, it has all the real time that it needs.
    for (let seconds = 0; seconds < 30 && plane.registrations.length === 0; seconds += 1)
      await clock.advance(1_000, () => soonWithNetwork(50));
    await until('a connection', () => agent.hearing.connected);

    expect([early, late]).toEqual([true, false]);
    expect(text).toMatch(/^not connected: .*ECONNREFUSED/);
    expect(lines).toBeLessThan(20);
    expect(agent.hearing.healthy()).toBe(true);
    expect(agent.count('stuck')).toBe(0);
  });
});
