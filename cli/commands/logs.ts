import type { Command } from 'commander';
import { CommandError } from '../errors.ts';
import { EXIT } from '../exit-codes.ts';
import { type Fleet, openFleet, wantsJson } from '../fleet.ts';
import type { Io } from '../io.ts';
import { foldHistory } from '../progress/fold-history.ts';
import { type ExecutionLog, logToJson, renderLog } from '../render/log.ts';
import { readWorkerNames } from '../worker-name.ts';

/** A worker's life is one provision and any number of teardowns, whose names the doors derive from name and generation. */
const executionsOf = async (fleet: Fleet, name: string): Promise<string[]> => {
  const { executionArn, executionExists, findExecution } = await import('../doors/executions.ts');
  const machine = fleet.outputs.get('provisionStateMachine');
  const teardowns = fleet.outputs.get('teardownStateMachine');
  const life = await lifeOf(fleet, name);
  // The row of a worker removed long ago is gone, its executions are kept for 90 days.
  const pattern = new RegExp(`^${name}-[0-9a-z]{6,12}$`);
  const provision = life?.execution ?? (await findExecution(fleet.sfn, machine, (found) => pattern.test(found)));
  if (provision === undefined) return [];
  const generation = life?.generation ?? provision.split('-').at(-1);
  const found = [provision];
  for (let attempt = 1; ; attempt++) {
    const arn = executionArn(teardowns, `${name}-${generation}-t${attempt}`);
    if (!(await executionExists(fleet.sfn, arn))) return found;
    found.push(arn);
  }
};

const lifeOf = async (fleet: Fleet, name: string) => {
  try {
    return await fleet.api.worker(name);
  } catch (error) {
    if (error instanceof CommandError && error.exitCode === EXIT.notFound) return undefined;
    throw error;
  }
};

const read = async (fleet: Fleet, name: string): Promise<ExecutionLog[]> => {
  const { historyReader } = await import('../doors/executions.ts');
  const readHistory = historyReader(fleet.sfn);
  const executions = await executionsOf(fleet, name);
  return Promise.all(
    executions.map(async (execution) => ({ execution, progress: foldHistory(await readHistory(execution, 0)) })),
  );
};

export const registerLogs = (program: Command, io: Io): void => {
  program
    .command('logs')
    .summary('show what each phase of a worker did')
    .description("Shows a worker's provision and teardowns: each phase with its times, script output and errors.")
    .argument('<name>', 'the worker; also one that has been removed')
    .addHelpText(
      'after',
      '\nExamples:\n  $ carrierarr logs gpu-worker-001\n  $ carrierarr logs gpu-worker-001 --json | jq .',
    )
    .action(async (name: string, _options: unknown, command: Command) => {
      await readWorkerNames([name]);
      const logs = await read(await openFleet(command, io), name);
      if (logs.length === 0) {
        throw new CommandError(EXIT.notFound, {
          what: `no worker and no execution is called ${name}`,
          remedy: 'see `carrierarr status --all`',
        });
      }
      io.out.write(wantsJson(command) ? `${logToJson(name, logs)}\n` : renderLog(logs, io.out, io.now()));
    });
};
