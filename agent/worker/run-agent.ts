import { type Log, reasonOf } from '../shared/log.ts';
import { VERSION } from '../shared/version.ts';
import { CommandDesk } from './connection/command-desk.ts';
import { Hearing } from './connection/hearing.ts';
import { keepConnected } from './connection/keep-connected.ts';
import { LIMITS, type Limits } from './connection/limits.ts';
import { Vitals } from './connection/vitals.ts';
import { serveHttp } from './http/serve.ts';
import { idleShutdown } from './idle-shutdown.ts';
import { Live } from './live.ts';
import type { Clock, CommandRunner, Controls, Reporter, Settings, System } from './ports.ts';
import { Statuses } from './statuses.ts';
import { createNotifier } from './systemd/notifier.ts';
import { newTally } from './tally.ts';

export interface AgentParts {
  readonly settings: Settings;
  readonly environment: NodeJS.ProcessEnv;
  readonly system: System;
  readonly clock: Clock;
  readonly log: Log;
  readonly reporter: (live: Live) => Reporter;
  readonly runner: (controls: Controls) => CommandRunner;
  /** Watches for an announced end of the machine; gives its own end. */
  readonly watch?: (controls: Controls) => () => void;
  readonly limits?: Limits;
  readonly random?: () => number;
}

export interface Agent {
  readonly hearing: Hearing;
  /** Says good-bye and ends; at the latest after 5 s. */
  stop(): Promise<void>;
}

/** What an ending agent may take in all, systemd included. */
const STOP_MILLISECONDS = 4500;
/** A loop that failed against all expectation begins anew after this long. */
const ANEW_MILLISECONDS = 1000;

/** Runs a loop until the signal; what it fails with is said, and it begins anew. */
const forever = async (
  { clock, log }: Pick<AgentParts, 'clock' | 'log'>,
  name: string,
  loop: (stop: AbortSignal) => Promise<void>,
  stop: AbortSignal,
): Promise<void> => {
  while (!stop.aborted) {
    try {
      return await loop(stop);
    } catch (error) {
      log('error', 'loop failed', { loop: name, reason: reasonOf(error) });
      await clock.sleep(ANEW_MILLISECONDS, stop);
    }
  }
};

/** Makes everything that the loops share. */
const assemble = (parts: AgentParts) => {
  const { settings, environment, system, clock, log, limits = LIMITS } = parts;
  const live = new Live(log);
  const vitals = new Vitals(clock);
  const hearing = new Hearing(clock);
  const tally = newTally();
  const reporter = parts.reporter(live);
  const { nodeId } = settings;
  const statuses = new Statuses({ nodeId, reporter, clock, limits, live, vitals, tally, log });
  const controls: Controls = { live, reportSoon: () => statuses.soon() };
  const desk = new CommandDesk({ runner: parts.runner(controls), clock, limits, log, tally });
  const notifier = createNotifier({ environment, system, clock, vitals, log });
  statuses.onStatus(idleShutdown({ settings, live, desk, clock, log }));
  hearing.onChange(() => void notifier.status(hearing.text));
  return { nodeId, limits, live, vitals, hearing, tally, reporter, statuses, controls, desk, notifier };
};

/** Puts the loops together and starts them: statuses, connection, watchdog, HTTP. None ends before it is told to. */
export const runAgent = (parts: AgentParts): Agent => {
  const { settings, system, clock, log, random = Math.random } = parts;
  const { host, port } = settings.controlPlane;
  const stopping = new AbortController();
  const made = assemble(parts);
  const { hearing, tally, statuses, desk, notifier, controls } = made;
  log('info', 'starting', { version: VERSION, nodeId: made.nodeId, controlPlane: `${host}:${port}` });
  const http = serveHttp(settings, { hearing, tally, statuses }, log);
  const unwatch = parts.watch?.(controls);
  const run = (name: string, loop: (stop: AbortSignal) => Promise<void>): Promise<void> =>
    forever({ clock, log }, name, loop, stopping.signal);
  const loops = [
    run('status', (stop) => statuses.run(stop)),
    run('connection', (stop) => keepConnected({ ...made, settings, system, clock, log, random }, stop)),
    run('watchdog', (stop) => notifier.feed(stop)),
    notifier.ready(),
  ];
  const stop = async (): Promise<void> => {
    log('info', 'stopping');
    stopping.abort();
    unwatch?.();
    desk.stop();
    const ended = new AbortController();
    void Promise.all([...loops, notifier.stopping()]).then(() => ended.abort());
    await clock.sleep(STOP_MILLISECONDS, ended.signal);
    http.stop();
    log('info', 'stopped', { inOrder: ended.signal.aborted });
  };
  return { hearing, stop };
};
