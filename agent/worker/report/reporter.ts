import type { Log } from '../../shared/log.ts';
import type { Clock, Controls, Reporter, Settings, System } from '../ports.ts';
import { createCollector, type Facts, INTERRUPTION_FILE, RUN_FOLDER } from './collect.ts';
import { createIdleCounter, type Idleness } from './idle.ts';
import { createImds } from './imds.ts';
import { createAsk } from './probe.ts';
import { register } from './registration.ts';
import { type StatusInit, statusMessage } from './status.ts';

export interface ReporterOptions {
  readonly log: Log;
}

// Without the kernel's clock there is no saying for how long.
const UNKNOWN: Idleness = { idleSeconds: 0, busyWith: 'unknown: /proc/uptime cannot be read' };

/** Makes what tells of the node: who it is, and how it is. */
export const createReporter = (
  settings: Settings,
  system: System,
  clock: Clock,
  { log }: ReporterOptions,
): Reporter => {
  const imds = createImds(system, clock, settings.imds);
  const collector = createCollector(settings, system, clock, createAsk(clock, log));
  const countIdle = createIdleCounter(settings, system);
  let running: Promise<StatusInit> | undefined;

  const idleness = async (facts: Facts): Promise<Idleness> =>
    facts.uptime === undefined
      ? UNKNOWN
      : countIdle({
          uptime: facts.uptime,
          inService: facts.inService,
          gpus: facts.gpus,
          expiries: facts.models?.expiries,
          busyCores: facts.cpu?.busyCores,
          ollamaCpuSeconds: facts.ollamaCpuSeconds,
        });
  const look = async (): Promise<StatusInit> => {
    const facts = await collector.look();
    return statusMessage(settings, facts, await idleness(facts), clock.now());
  };
  return {
    registration: async () => register(settings, system, imds, await collector.gpus()),
    // Who asks while somebody else's look is under way gets the same one.
    status: () => {
      running ??= look().finally(() => {
        running = undefined;
      });
      return running;
    },
  };
};

/** Two minutes are all there are between EC2's notice and the end: the control plane hears of it at once. */
export const watchInterruption = (system: System, { reportSoon }: Pick<Controls, 'reportSoon'>): (() => void) =>
  system.watch(RUN_FOLDER, (name) => {
    if (name === INTERRUPTION_FILE) reportSoon();
  });
