import { type ChildProcess, spawn } from 'node:child_process';
import { openSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { CommandError, EXIT, type Io, paint } from '../cli/index.ts';
import type { LocalOptions } from './commands.ts';
import { watchSignals } from './interruption.ts';
import { ServeMessage, toStageEvent } from './messages.ts';
import { projectDirectory, stateDirectory } from './paths.ts';
import { StagePrinter } from './stage-printer.ts';
import { readCloud } from './state-file.ts';

const start = async ({ name, nodes }: LocalOptions): Promise<{ child: ChildProcess; log: string }> => {
  const clouds = join(stateDirectory(), 'clouds');
  await mkdir(clouds, { recursive: true });
  const log = join(clouds, `${name}.log`);
  const output = openSync(log, 'w');
  const kind = nodes === undefined ? [] : ['--nodes', nodes];
  const child = spawn(
    process.execPath,
    [join(projectDirectory, 'bin', 'carrierarr.ts'), 'local', 'serve', '--name', name, ...kind],
    { cwd: projectDirectory, stdio: ['ignore', output, output, 'ipc'], detached: true },
  );
  return { child, log };
};

/** Waits until the cloud is up. @throws CommandError with what the cloud's process said of its failure */
const awaitReady = (child: ChildProcess, log: string, printer: StagePrinter): Promise<void> =>
  new Promise((resolve, reject) => {
    let failure: CommandError | undefined;
    child.on('message', (raw) => {
      const message = ServeMessage.parse(raw);
      if (message.kind === 'stage') printer.show(toStageEvent(message.event));
      if (message.kind === 'ready') resolve();
      if (message.kind === 'failed') {
        const { what, got, allowed, remedy } = message.facts;
        const facts = { what, remedy, ...(got !== undefined && { got }), ...(allowed !== undefined && { allowed }) };
        failure = new CommandError(EXIT.failed, facts);
      }
    });
    child.on('exit', (code, signal) => {
      const ended = { what: 'the embedded cloud ended', got: `exit ${code ?? signal}`, remedy: `read the log ${log}` };
      reject(failure ?? new CommandError(EXIT.failed, ended));
    });
    child.on('error', reject);
  });

const interruptedError = (): CommandError =>
  new CommandError(EXIT.interrupted, {
    what: 'interrupted; everything begun was ended',
    remedy: 'run it again when you like',
  });

/** `carrierarr local up` */
export const up = async (options: LocalOptions, io: Io): Promise<void> => {
  const known = await readCloud(options.name);
  if (known.state !== undefined) {
    const watch = known.state.page === undefined ? '' : `; watch it at ${known.state.page}/`;
    io.out.write(`Embedded cloud ${options.name} is up already, at ${known.state.endpoint}${watch}\n`);
    return;
  }
  const watch = watchSignals();
  const printer = new StagePrinter(io.out);
  const { child, log } = await start(options);
  watch.signal.addEventListener('abort', () => child.kill('SIGTERM'), { once: true });
  try {
    await awaitReady(child, log, printer);
  } catch (error) {
    throw watch.signal.aborted ? interruptedError() : error;
  } finally {
    printer.finish();
    watch.release();
    if (child.connected) child.disconnect();
    child.unref();
  }
  const { state } = await readCloud(options.name);
  const flag = options.name === 'default' ? '' : ` --name ${options.name}`;
  io.out.write(
    `${paint(io.out, 'green', 'up')} at ${state?.endpoint}; nodes: ${state?.nodes.kind} (${state?.nodes.reason})\n` +
      (state?.page === undefined ? '' : `  watch it: ${state.page}/\n`) +
      `  use it:  eval "$(carrierarr local env${flag})"\n  end it:  carrierarr local down${flag}\n`,
  );
};
