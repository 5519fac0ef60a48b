import { describe, expect, it } from 'vitest';
import { Vitals } from '../../../../agent/worker/connection/vitals.ts';
import { createNotifier } from '../../../../agent/worker/systemd/notifier.ts';
import { FakeClock } from '../support/clocks.ts';

const aNotifier = (environment: NodeJS.ProcessEnv, code = 0) => {
  const clock = new FakeClock();
  const vitals = new Vitals(clock);
  const said: string[] = [];
  const events: string[] = [];
  const system = {
    run: async (argv: readonly string[]) => {
      said.push(argv.join(' '));
      return { code, stdout: '', stderr: 'no such socket' };
    },
  };
  const notifier = createNotifier({ environment, system, clock, vitals, log: (_, event) => events.push(event) });
  return { clock, vitals, notifier, said, events, stop: new AbortController() };
};

const SOCKET = { NOTIFY_SOCKET: '/run/systemd/notify' };
const WATCHDOG = { ...SOCKET, WATCHDOG_USEC: '60000000' };
const FED = 'systemd-notify WATCHDOG=1';

describe('systemd', () => {
  it('is told in its words', async () => {
    const { notifier, said } = aNotifier(SOCKET);

    await notifier.ready();
    await notifier.status('not connected:\nrefused');
    await notifier.stopping();

    expect(said).toEqual([
      'systemd-notify READY=1',
      'systemd-notify STATUS=not connected: refused',
      'systemd-notify STOPPING=1',
    ]);
  });

  it('is told nothing where it is not there', async () => {
    const { notifier, said, stop } = aNotifier({ WATCHDOG_USEC: '60000000' });

    await notifier.ready();
    await notifier.feed(stop.signal);

    expect(said).toEqual([]);
  });

  it('that cannot be told is complained about once', async () => {
    const { notifier, events } = aNotifier(SOCKET, 1);

    await notifier.ready();
    await notifier.status('connected');

    expect(events).toEqual(['systemd-notify failed']);
  });
});

describe('the watchdog', () => {
  it('is fed at half of its time', async () => {
    const { clock, notifier, said, stop } = aNotifier(WATCHDOG);

    void notifier.feed(stop.signal);
    await clock.advance(90_000);

    expect(said).toEqual([FED, FED, FED, FED]);
  });

  it('is not fed while a loop is stuck, and again once it is not', async () => {
    const { clock, vitals, notifier, said, events, stop } = aNotifier(WATCHDOG);
    vitals.beat('connection', 40_000);
    vitals.beat('status', 1_000_000);

    void notifier.feed(stop.signal);
    await clock.advance(130_000);
    const whileStuck = said.length;
    vitals.beat('connection', 1_000_000);
    await clock.advance(30_000);

    expect(whileStuck).toBe(2);
    expect(events).toEqual(['stuck']);
    expect(said).toHaveLength(3);
  });

  it.each([
    ['of another process', { ...WATCHDOG, WATCHDOG_PID: '1' }],
    ['without a time', SOCKET],
  ])('%s is not fed', async (_, environment) => {
    const { notifier, said, stop } = aNotifier(environment);

    await notifier.feed(stop.signal);

    expect(said).toEqual([]);
  });
});
