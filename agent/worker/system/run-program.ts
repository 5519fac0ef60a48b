import { type ChildProcess, spawn } from 'node:child_process';
import { constants } from 'node:os';
import { reasonOf } from '../../shared/log.ts';
import type { Ran, RunOptions } from '../ports.ts';

const MOST_BYTES = 65_536;
/** How long a program that was told to end may take before it is killed. */
const GRACE_MILLISECONDS = 2000;

/** Keeps the first bytes of a stream, and lets the rest pass so that the program is not stopped by a full pipe. */
const collect = (stream: NodeJS.ReadableStream, most: number): (() => string) => {
  const chunks: Buffer[] = [];
  let size = 0;
  stream.on('data', (chunk: Buffer) => {
    if (size >= most) return;
    chunks.push(chunk.subarray(0, most - size));
    size += chunk.length;
  });
  return () => Buffer.concat(chunks).toString('utf8');
};

const tell = (child: ChildProcess, name: NodeJS.Signals): void => {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, name);
  } catch {
    // It has ended meanwhile.
  }
};

/** Ends a program in two steps; `giveUp` is called when even what it left behind holds the pipes. */
const endInSteps = (child: ChildProcess, giveUp: () => void) => {
  let killer: NodeJS.Timeout | undefined;
  return {
    begin: (): void => {
      tell(child, 'SIGTERM');
      killer ??= setTimeout(() => {
        tell(child, 'SIGKILL');
        giveUp();
      }, GRACE_MILLISECONDS);
    },
    over: (): void => clearTimeout(killer),
  };
};

/** Some failures of `spawn` are events, and some are thrown. */
const start = (argv: readonly string[], environment: RunOptions['environment']) => {
  const [program = '', ...rest] = argv;
  try {
    return spawn(program, rest, { detached: true, env: { ...process.env, ...environment } });
  } catch (error) {
    return reasonOf(error);
  }
};

/** Runs a program without a shell, in a process group of its own: what it started ends with it. Never rejects. */
export const runProgram = (argv: readonly string[], options: RunOptions): Promise<Ran> =>
  new Promise((resolve) => {
    const { maxBytes = MOST_BYTES, signal } = options;
    const child = start(argv, options.environment);
    if (typeof child === 'string') return resolve({ code: 126, stdout: '', stderr: child });
    const stdout = collect(child.stdout, maxBytes);
    const stderr = collect(child.stderr, maxBytes);
    let late = false;
    const finish = (code: number, reason?: string): void => {
      clearTimeout(timer);
      ending.over();
      signal?.removeEventListener('abort', ending.begin);
      child.stdout.destroy();
      child.stderr.destroy();
      resolve({ code: late ? 124 : code, stdout: stdout(), stderr: reason ?? stderr() });
    };
    const ending = endInSteps(child, () => finish(128 + constants.signals.SIGKILL));
    const timer = setTimeout(() => {
      late = true;
      ending.begin();
    }, options.timeoutMs);
    signal?.addEventListener('abort', ending.begin);
    if (signal?.aborted === true) ending.begin();
    child.on('error', (error: NodeJS.ErrnoException) => finish(error.code === 'ENOENT' ? 127 : 126, error.message));
    child.on('close', (code, name) => finish(code ?? 128 + (name === null ? 0 : constants.signals[name])));
    child.stdin.on('error', () => {});
    child.stdin.end(options.input ?? '');
  });
