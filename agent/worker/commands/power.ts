import * as z from 'zod/mini';
import type { Clock, System } from '../ports.ts';
import { wholeNumber, withArguments } from './arguments.ts';
import { done, failed, type Handler, type Outcome, ofProgram } from './outcome.ts';

const STOPPED_FIRST = ['ollama.service', 'k3s-agent.service'];
const STOP_LIMIT_MS = 60_000;
const SHUTDOWN_LIMIT_MS = 15_000;
// The result has to leave the machine before its network goes.
const WORD_MS = 2000;
const MOST_MINUTES = 1440;
const SAID = 'Carrierarr: the control plane asked for it';

const delay = z._default(wholeNumber(0, MOST_MINUTES), '1');

/** `shutdown` for now or later; systemd keeps the appointment even if the agent ends. */
const appoint = async (system: System, clock: Clock, flag: '-h' | '-r', minutes: number): Promise<Outcome> => {
  const run = (when: string) => system.run(['shutdown', flag, when, SAID], { timeoutMs: SHUTDOWN_LIMIT_MS });
  if (minutes > 0) return ofProgram(await run(`+${minutes}`), 'shutdown');
  void clock.sleep(WORD_MS).then(() => run('now'));
  return done('now');
};

/** Powers off; the launch template makes of that a termination. What works for others ends first, in order. */
export const powerOff = async (system: System, clock: Clock, minutes: number): Promise<Outcome> => {
  const stopped = await Promise.all(
    STOPPED_FIRST.map((unit) => system.run(['systemctl', 'stop', unit], { timeoutMs: STOP_LIMIT_MS })),
  );
  const outcome = await appoint(system, clock, '-h', minutes);
  // 5: systemd knows no such unit. One that does not stop is no reason to stay.
  const left = STOPPED_FIRST.filter((_, at) => ![0, 5].includes(stopped[at]?.code ?? 0));
  if (!outcome.success) return failed(outcome.error ?? 'shutdown failed', outcome.exitCode ?? 1, outcome.stdout ?? '');
  return left.length === 0
    ? outcome
    : { ...outcome, stderr: `${outcome.stderr ?? ''}did not stop: ${left.join(', ')}` };
};

export const shutdown: Handler = withArguments(z.strictObject({ delay }), ({ system, clock }, args) =>
  powerOff(system, clock, Number(args.delay)),
);

export const reboot: Handler = withArguments(z.strictObject({ delay }), ({ system, clock }, args) =>
  appoint(system, clock, '-r', Number(args.delay)),
);
