import * as z from 'zod/mini';
import { withArguments } from './arguments.ts';
import { failed, type Handler, ofProgram } from './outcome.ts';
import { powerOff } from './power.ts';

const PROGRAM = '/usr/local/lib/carrierarr/drain.sh';
const DEFAULT_SECONDS = 120;
const MOST_SECONDS = 270;
// The program's own calls after its limit, before the command's time is over.
const MARGIN_SECONDS = 25;
const NO_PROGRAM = 127;

/** The seconds that pods get to go: what the command's time leaves. */
const evictionSeconds = (timeoutSeconds: number): number =>
  timeoutSeconds === 0 ? DEFAULT_SECONDS : Math.min(MOST_SECONDS, Math.max(10, timeoutSeconds - MARGIN_SECONDS));

/**
 * Cordons the node and evicts its pods with the node's own rights, by the program that does so when EC2 takes a Spot
 * instance back. The machine stays; `shutdown=yes` powers it off once no pod is left.
 */
export const drain: Handler = withArguments(
  z.strictObject({ shutdown: z._default(z.enum(['yes', 'no'], 'must be yes or no'), 'no') }),
  async ({ system, clock }, args, { timeoutSeconds, signal }) => {
    const seconds = evictionSeconds(timeoutSeconds);
    const timeoutMs = (seconds + MARGIN_SECONDS) * 1000;
    const ran = await system.run([PROGRAM, String(seconds)], { timeoutMs, signal });
    if (ran.code === NO_PROGRAM) return failed(`${PROGRAM} is not in this image`, NO_PROGRAM);
    const outcome = ofProgram(ran, 'drain');
    if (ran.code !== 0 || args.shutdown === 'no') return outcome;
    const off = await powerOff(system, clock, 1);
    return {
      ...off,
      stdout: `${outcome.stdout ?? ''}${off.stdout ?? ''}`,
      stderr: `${outcome.stderr ?? ''}${off.stderr ?? ''}`,
    };
  },
);
