import { type Log, reasonOf } from '../../shared/log.ts';
import type { Vitals } from '../connection/vitals.ts';
import type { Clock, System } from '../ports.ts';

export interface NotifierParts {
  readonly environment: NodeJS.ProcessEnv;
  readonly system: Pick<System, 'run'>;
  readonly clock: Clock;
  readonly vitals: Pick<Vitals, 'stuck'>;
  readonly log: Log;
}

export interface Notifier {
  ready(): Promise<void>;
  status(text: string): Promise<void>;
  stopping(): Promise<void>;
  /** Feeds the watchdog at half of its time, as long as nothing is stuck. Ends with the signal. */
  feed(stop: AbortSignal): Promise<void>;
}

const NOTIFY_MILLISECONDS = 5000;

const silent: Notifier = {
  ready: async () => {},
  status: async () => {},
  stopping: async () => {},
  feed: async () => {},
};

/** Time of the watchdog, when this process is the one that it watches. */
const watchdogOf = ({ WATCHDOG_USEC = '', WATCHDOG_PID = '' }: NodeJS.ProcessEnv): number | undefined => {
  if (WATCHDOG_PID !== '' && Number(WATCHDOG_PID) !== process.pid) return undefined;
  const milliseconds = Number(WATCHDOG_USEC) / 1000;
  return WATCHDOG_USEC !== '' && milliseconds > 0 ? milliseconds : undefined;
};

/**
 * Speaks to systemd by the program `systemd-notify`, since Node.js has no datagram sockets of the Unix kind. The unit
 * therefore needs `NotifyAccess=all`: the word comes from a child. Without systemd it is silent.
 */
export const createNotifier = ({ environment, system, clock, vitals, log }: NotifierParts): Notifier => {
  if ((environment.NOTIFY_SOCKET ?? '') === '') return silent;
  let fault: number | undefined;
  const tell = async (...words: string[]): Promise<void> => {
    const argv = ['systemd-notify', ...words];
    const { code, stderr } = await system
      .run(argv, { timeoutMs: NOTIFY_MILLISECONDS })
      .catch((error: unknown) => ({ code: -1, stderr: reasonOf(error) }));
    if (code !== 0 && code !== fault)
      log('error', 'systemd-notify failed', { code, reason: stderr.trim().slice(0, 200) });
    fault = code === 0 ? undefined : code;
  };
  const watchdogMs = watchdogOf(environment);
  return {
    ready: () => tell('READY=1'),
    status: (text) => tell(`STATUS=${text.replaceAll('\n', ' ')}`),
    stopping: () => tell('STOPPING=1'),
    feed: async (stop) => {
      if (watchdogMs === undefined) return;
      let told = '';
      while (!stop.aborted) {
        const stuck = vitals.stuck().join(' ');
        if (stuck === '') await tell('WATCHDOG=1');
        else if (stuck !== told) log('error', 'stuck', { loops: stuck, remedy: 'systemd starts the agent anew' });
        told = stuck;
        await clock.sleep(watchdogMs / 2, stop);
      }
    },
  };
};
