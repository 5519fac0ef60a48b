import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ServiceUnavailableError } from '#shared/errors.ts';

/** A program to start; it gets a process group of its own, so that Ctrl-C on the terminal reaches only its owner. */
export interface Program {
  /** Shown in messages. */
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  /** The whole environment: nothing is inherited. */
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  /** Takes both streams. */
  readonly logFile: string;
  /** Has nothing to put in order at its end, so that it need not be asked politely. @default false */
  readonly expendable?: boolean;
}

export interface RunningProgram {
  readonly pid: number;
  /** Exit code, or the signal's name. */
  readonly exited: Promise<number | string>;
}

/** How long a program has to end by itself after SIGTERM. */
const GRACE_MS = 3_000;
/** After SIGKILL only init can be slow: to take notice of orphans that are dead already. */
const KILLED_MS = 500;
const POLL_MS = 50;
const TAIL_LINES = 15;

const sleep = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Signals a whole group; false if nothing of it is left. */
const signalGroup = (group: number, signal: NodeJS.Signals | 0): boolean => {
  try {
    process.kill(-group, signal);
    return true;
  } catch {
    return false;
  }
};

/** The last lines of a log, for an error message. */
export const logTail = async (file: string): Promise<string> => {
  const text = await readFile(file, 'utf8').catch(() => '');
  return text.trimEnd().split('\n').slice(-TAIL_LINES).join('\n');
};

/**
 * Owner of every process of one embedded cloud. Whatever it started ends with {@link stop}; and if this process dies
 * without a chance to call it, a small reaper in a session of its own ends it instead.
 */
export class Supervisor {
  readonly #reaper: ChildProcess;
  readonly #groups = new Map<number, Program>();
  readonly #graceMs: number;
  #stopped = false;

  constructor(graceMs = GRACE_MS) {
    this.#graceMs = graceMs;
    this.#reaper = spawn('bash', [join(import.meta.dirname, 'reaper.sh'), String(graceMs / 1_000)], {
      stdio: ['pipe', 'ignore', 'ignore'],
      detached: true,
    });
    // The reaper keeps nobody alive, and its end is noticed by nobody.
    this.#reaper.unref();
    this.#reaper.on('error', () => undefined);
    this.#reaper.stdin?.on('error', () => undefined);
  }

  start(program: Program): RunningProgram {
    if (this.#stopped) throw new Error(`${program.name} was to be started after everything was stopped`);
    const log = openSync(program.logFile, 'a');
    const child = spawn(program.command, program.args, {
      cwd: program.cwd,
      env: { ...program.env },
      stdio: ['ignore', log, log],
      detached: true,
    });
    closeSync(log);
    const { promise, resolve, reject } = Promise.withResolvers<number | string>();
    child.on('error', reject);
    child.on('exit', (code, signal) => resolve(code ?? signal ?? 'unknown'));
    promise.catch(() => undefined);
    if (child.pid === undefined) return { pid: 0, exited: promise };
    this.#adopt(child.pid, program);
    child.on('exit', () => this.#release(child.pid ?? 0));
    return { pid: child.pid, exited: promise };
  }

  /**
   * Runs a program to its end.
   * @throws ServiceUnavailableError with the end of its log, if it fails; the signal's reason, if it is aborted
   */
  async run(program: Program, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    const { pid, exited } = this.start(program);
    const abort = (): void => void this.#end(pid);
    signal?.addEventListener('abort', abort, { once: true });
    try {
      const outcome = await exited;
      signal?.throwIfAborted();
      if (outcome !== 0) throw await this.#failure(program, outcome);
    } finally {
      signal?.removeEventListener('abort', abort);
    }
  }

  /** Ends every group that is left and waits until it is gone. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all([...this.#groups.keys()].map((group) => this.#end(group)));
    if (this.#reaper.exitCode === null && this.#reaper.pid !== undefined) {
      this.#reaper.ref();
      const gone = once(this.#reaper, 'exit');
      this.#reaper.stdin?.end();
      await gone;
    }
  }

  /** Politely, then not; what a leader left behind in its group goes too. */
  async #end(group: number): Promise<void> {
    if (this.#groups.get(group)?.expendable !== true) {
      signalGroup(group, 'SIGTERM');
      await this.#awaitEnd(group, this.#graceMs);
    }
    signalGroup(group, 'SIGKILL');
    await this.#awaitEnd(group, KILLED_MS);
    this.#release(group);
  }

  async #awaitEnd(group: number, milliseconds: number): Promise<void> {
    const deadline = Date.now() + milliseconds;
    while (signalGroup(group, 0) && Date.now() < deadline) await sleep(POLL_MS);
  }

  #adopt(group: number, program: Program): void {
    this.#groups.set(group, program);
    this.#reaper.stdin?.write(`add ${group}\n`);
  }

  #release(group: number): void {
    if (!this.#groups.delete(group)) return;
    signalGroup(group, 'SIGKILL');
    this.#reaper.stdin?.write(`remove ${group}\n`);
  }

  async #failure(program: Program, outcome: number | string): Promise<Error> {
    return new ServiceUnavailableError({
      what: `${program.name} failed`,
      got: `exit ${outcome}\n${await logTail(program.logFile)}\n`,
      remedy: `read the log ${program.logFile}`,
    });
  }
}
