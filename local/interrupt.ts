import * as z from 'zod';
import { CommandError, EXIT, type Io } from '../cli/index.ts';
import type { LocalOptions } from './commands.ts';
import { readCloud } from './state-file.ts';

export interface InterruptOptions extends Pick<LocalOptions, 'name'> {
  readonly seconds: string;
  readonly rebalance?: boolean;
}

const Refusal = z.object({ message: z.string() });

/** `carrierarr local interrupt WORKER`: EC2's notice to a Spot instance. @throws CommandError when there is none */
export const interrupt = async (worker: string, options: InterruptOptions, io: Io): Promise<void> => {
  const { name, seconds, rebalance } = options;
  const { state } = await readCloud(name);
  if (state === undefined) {
    throw new CommandError(EXIT.setup, {
      what: `embedded cloud ${name} is not up`,
      remedy: `start it with \`carrierarr local up --name ${name}\``,
    });
  }
  const kind = rebalance === true ? 'rebalance' : 'interruption';
  const body = JSON.stringify({ worker, kind, seconds: Number(seconds) });
  const answer = await fetch(`${state.endpoint}/_edge/interruptions`, { method: 'POST', body });
  if (!answer.ok) {
    throw new CommandError(EXIT.conflict, {
      what: `${worker} cannot be interrupted`,
      got: Refusal.parse(await answer.json()).message,
      remedy: 'name a worker that runs on Spot: `carrierarr status` shows the market of each',
    });
  }
  const told = rebalance === true ? 'is recommended to leave its instance' : `loses its instance in ${seconds} s`;
  io.out.write(`${worker} ${told}\n`);
  if (state.page !== undefined) io.out.write(`  watch it: ${state.page}/\n`);
};
