import { afterEach, describe, expect, it } from 'vitest';
import { freePort } from '../../../local/process/free-port.ts';
import { until } from '../../support/eventually.ts';
import { FakeControlPlane } from './support/a-control-plane.ts';
import { anAgent, aSystem } from './support/an-agent.ts';
import { FakeClock, soonWithNetwork } from './support/clocks.ts';

const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

const MINUTE = 60_000;

describe('an agent', () => {
  it('whose node can no longer be looked at is left to systemd, which starts it anew', async () => {
    const clock = new FakeClock();
    const said: string[] = [];
    const run = async (argv: readonly string[]) => {
      said.push(argv.join(' '));
      return { code: 0, stdout: '', stderr: '' };
    };
    const agent = anAgent(await freePort(), {
      clock,
      system: aSystem({ run }),
      environment: { NOTIFY_SOCKET: '/run/systemd/notify', WATCHDOG_USEC: '60000000' },
      reporter: { status: () => new Promise(() => {}) },
    });
    cleanUps.push(async () => {
      const stopped = agent.stop();
      await clock.advance(5000, soonWithNetwork);
      await stopped;
    });
    const fed = (): number => said.filter((words) => words.endsWith('WATCHDOG=1')).length;

    await clock.advance(5 * MINUTE, soonWithNetwork);
    const atFirst = fed();
    await clock.advance(10 * MINUTE, soonWithNetwork);
    const later = fed();
    await clock.advance(5 * MINUTE, soonWithNetwork);

    expect(said[0]).toMatch(/READY=1|WATCHDOG=1/);
    expect(atFirst).toBeGreaterThan(9);
    expect(fed()).toBe(later);
    expect(agent.lines.find(({ event }) => event === 'stuck')).toMatchObject({ loops: 'status' });
  });

  it('begins a loop anew that fails against all expectation', async () => {
    const plane = await new FakeControlPlane().listen();
    cleanUps.push(() => plane.close());
    const faults = ['no chance', 'no luck'];
    const agent = anAgent(plane.port, {
      random: () => {
        const fault = faults.shift();
        if (fault !== undefined) throw new Error(fault);
        return 0.5;
      },
    });
    cleanUps.push(() => agent.stop());
    const streams = (count: number) => () => plane.order.filter((call) => call === 'connect').length === count;
    await until('a stream', streams(1));

    plane.endStreams();
    await until('a second stream', streams(2));
    plane.endStreams();
    await until('a third stream', streams(3));

    expect(agent.lines.filter(({ event }) => event === 'loop failed')).toMatchObject([
      { loop: 'connection', reason: 'no chance' },
      { loop: 'connection', reason: 'no luck' },
    ]);
  });
});
