import { spawn } from 'node:child_process';
import type { Command } from 'commander';
import { CommandError } from '../errors.ts';
import { EXIT } from '../exit-codes.ts';
import { type Fleet, openFleet } from '../fleet.ts';
import type { Io } from '../io.ts';
import { findProgram } from '../system/find-program.ts';
import { readWorkerNames } from '../worker-name.ts';

export const PLUGIN = 'session-manager-plugin';
export const PLUGIN_REMEDY =
  'install it: https://docs.aws.amazon.com/systems-manager/latest/userguide/session-manager-working-with-install-plugin.html';

const instanceOf = async (fleet: Fleet, name: string): Promise<string> => {
  const { instanceId, phase } = await fleet.api.worker(name);
  if (instanceId !== null && phase !== 'REMOVED') return instanceId;
  throw new CommandError(EXIT.notFound, {
    what: `${name} has no instance to open a shell on`,
    got: `phase ${phase}`,
    remedy: `wait until it is launched: carrierarr status ${name} --watch`,
  });
};

/** Hands the session over to AWS's plugin, with the arguments the AWS CLI gives it, and waits until it ends. */
const runPlugin = (args: readonly string[], io: Io): Promise<number> => {
  // Ctrl-C belongs to the shell on the node; the terminal sends it to the plugin as well.
  io.interruption.disarm();
  const ignore = (): void => {};
  process.on('SIGINT', ignore);
  return new Promise<number>((resolve, reject) => {
    spawn(PLUGIN, args, { stdio: 'inherit', env: io.environment })
      .on('error', reject)
      .on('exit', (code, signal) => resolve(signal === null ? (code ?? 0) : EXIT.failed));
  }).finally(() => process.off('SIGINT', ignore));
};

const openShell = async (fleet: Fleet, name: string, io: Io): Promise<void> => {
  const Target = await instanceOf(fleet, name);
  const [{ SSMClient, StartSessionCommand }, { clientSettings }] = await Promise.all([
    import('@aws-sdk/client-ssm'),
    import('../doors/clients.ts'),
  ]);
  const ssm = new SSMClient(clientSettings(fleet.region));
  const { SessionId, StreamUrl, TokenValue } = await ssm.send(new StartSessionCommand({ Target }));
  const endpoint = io.environment.AWS_ENDPOINT_URL ?? `https://ssm.${fleet.region}.amazonaws.com`;
  const args = [
    JSON.stringify({ SessionId, StreamUrl, TokenValue }),
    fleet.region,
    'StartSession',
    io.environment.AWS_PROFILE ?? '',
    JSON.stringify({ Target }),
    endpoint,
  ];
  const code = await runPlugin(args, io);
  if (code !== 0) {
    throw new CommandError(EXIT.failed, {
      what: 'the session ended with an error',
      got: `${PLUGIN} exited with ${code}`,
      remedy: `see whether Systems Manager reaches the node: carrierarr logs ${name}`,
    });
  }
};

export const registerShell = (program: Command, io: Io): void => {
  program
    .command('shell')
    .summary('open a shell on a worker (Session Manager, no SSH)')
    .description(
      'Opens a Session Manager shell on a worker: no SSH, no key, no open port. Needs session-manager-plugin.',
    )
    .argument('<name>', 'the worker')
    .addHelpText('after', '\nExample:\n  $ carrierarr shell gpu-worker-001')
    .action(async (name: string, _options: unknown, command: Command) => {
      await readWorkerNames([name]);
      if ((await findProgram(PLUGIN, io.environment)) === undefined) {
        throw new CommandError(EXIT.setup, { what: `${PLUGIN} is not installed`, remedy: PLUGIN_REMEDY });
      }
      await openShell(await openFleet(command, io), name, io);
    });
};
