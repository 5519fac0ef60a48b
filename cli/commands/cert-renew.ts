import type { Command } from 'commander';
import { CommandError } from '../errors.ts';
import { EXIT } from '../exit-codes.ts';
import { openFleet, wantsJson } from '../fleet.ts';
import { followAll } from '../follow.ts';
import type { Io } from '../io.ts';
import { formatElapsed } from '../render/duration.ts';
import { failureOf, tookMilliseconds } from '../render/outcome.ts';
import { paint } from '../render/output.ts';
import { readWorkerNames } from '../worker-name.ts';
import { manualExecutionName } from './sweep.ts';

export const registerCertRenew = (cert: Command, io: Io): void => {
  cert
    .command('renew')
    .summary("renew a worker's certificate now")
    .description(
      'Issues a new certificate for the same name and address, and has the node swap it without losing a packet.\n' +
        'Every certificate past half of its life is renewed daily without being asked.',
    )
    .argument('<name>', 'the worker')
    .action(async (name: string, _options: unknown, command: Command) => {
      await readWorkerNames([name]);
      const fleet = await openFleet(command, io);
      const json = wantsJson(command);
      const before = await fleet.api.worker(name);
      if (before.phase !== 'READY') {
        throw new CommandError(EXIT.conflict, {
          what: `${name} is not in the mesh`,
          got: `phase ${before.phase}`,
          allowed: 'phase READY',
          remedy: `look at it: carrierarr status ${name}`,
        });
      }
      const { startExecution } = await import('../doors/executions.ts');
      const machine = fleet.outputs.get('renewStateMachine');
      const id = manualExecutionName(name, io.now());
      const execution = await startExecution(fleet.sfn, machine, id, { names: [name] });
      io.interruption.notice = `the renewal goes on by itself.\n  look: carrierarr cert show ${name}`;
      const [ended] = await followAll([{ subject: name, execution }], fleet, io, json);
      if (ended === undefined) return;
      const { progress } = ended;
      const { certificateNotAfter } = await fleet.api.worker(name);
      if (json) {
        const { status, failure } = progress;
        io.out.write(`${JSON.stringify({ event: 'result', name, execution, status, certificateNotAfter, failure })}\n`);
      }
      if (progress.status !== 'SUCCEEDED') throw failureOf(name, progress, 'renewing the certificate of');
      if (json) return;
      const took = formatElapsed(tookMilliseconds(progress));
      io.out.write(`${paint(io.out, 'green', 'renewed')} ${name}, until ${certificateNotAfter} (${took})\n`);
    });
};
