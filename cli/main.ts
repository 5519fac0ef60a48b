import { CommanderError } from 'commander';
import { asCommandError } from './errors.ts';
import { EXIT } from './exit-codes.ts';
import { type Io, processIo } from './io.ts';
import { buildProgram } from './program.ts';
import { errorToJson, renderError } from './render/error.ts';
import { paint } from './render/output.ts';

const INTERRUPTED = Symbol('interrupted');

const interrupted = (io: Io): Promise<typeof INTERRUPTED> =>
  new Promise((resolve) => {
    io.interruption.signal.addEventListener('abort', () => resolve(INTERRUPTED), { once: true });
  });

const report = (io: Io, error: unknown, { json, debug }: { json?: boolean; debug?: boolean }): number => {
  // Commander has printed its own message, or the help that was asked for.
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  const failure = asCommandError(error);
  if (json === true) io.err.write(`${errorToJson(failure)}\n`);
  else renderError(io.err, failure);
  if (debug === true) io.err.write(`${error instanceof Error ? error.stack : String(error)}\n`);
  return failure.exitCode;
};

/**
 * Runs one command line (without node and script) and returns the exit code. Never throws and never ends the process:
 * tests and the demo call it as it is.
 */
export const main = async (argv: readonly string[], io: Io): Promise<number> => {
  const program = buildProgram(io);
  try {
    const outcome = await Promise.race([program.parseAsync([...argv], { from: 'user' }), interrupted(io)]);
    if (outcome !== INTERRUPTED) return EXIT.ok;
    io.err.write(
      `\n${paint(io.err, 'yellow', 'interrupted')}${io.interruption.notice && ': '}${io.interruption.notice}\n`,
    );
    return EXIT.interrupted;
  } catch (error) {
    return report(io, error, program.opts());
  } finally {
    io.interruption.disarm();
  }
};

/** What a shell reports of a program that SIGPIPE has ended. */
const NOBODY_READS = 141;

/** Whoever read has had enough, as in `| head`: no fault. What has something to clean up does it as after Ctrl-C. */
const endUnread = (error: NodeJS.ErrnoException): void => {
  if (error.code !== 'EPIPE') throw error;
  if (!process.emit('SIGINT', 'SIGINT')) process.exit(NOBODY_READS);
};

/** The process itself. */
export const run = async (): Promise<void> => {
  process.stdout.on('error', endUnread);
  const code = await main(process.argv.slice(2), processIo());
  process.exitCode = code;
  // What was interrupted is still under way; everything else ends by itself, so that no output is cut off.
  if (code === EXIT.interrupted) process.exit();
};
