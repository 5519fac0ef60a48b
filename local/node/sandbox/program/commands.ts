import { closeSync, fstatSync, mkdirSync, openSync, readSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { constants } from 'node:os';
import type { ChildProcess } from 'node:child_process';
import { type Guest, killGroup } from './guest.ts';
import type { CommandOrder, CommandReport } from './protocol.ts';

/** The agent keeps the first characters of the output, not the last (amazon-ssm-agent, appconfig/constants.go). */
const STDOUT_CHARACTERS = 24_000;
const STDERR_CHARACTERS = 8_000;

/** Exit code of a script that was stopped, and the one that the agent takes for it. */
const STOPPED = 137;
/** A script that ends with it asks for a restart, after which the agent runs it again. */
const REBOOT = 194;
const REBOOTS_AT_MOST = 5;

type Stop = 'TimedOut' | 'Cancelled';
interface Open {
  child: ChildProcess | undefined;
  stopped: Stop | undefined;
}

const firstCharacters = (descriptor: number, characters: number): string => {
  const buffer = Buffer.alloc(Math.min(fstatSync(descriptor).size, characters * 4));
  const length = readSync(descriptor, buffer, 0, buffer.length, 0);
  return [...buffer.subarray(0, length).toString('utf8')].slice(0, characters).join('');
};

const exitCodeOf = (code: number | null, signal: NodeJS.Signals | null): number =>
  code ?? 128 + (signal === null ? 0 : constants.signals[signal]);

const exitOf = (child: ChildProcess): Promise<number> =>
  new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) => resolve(exitCodeOf(code, signal)));
  });

/** Runs commands as the Systems Manager agent does. */
export class Commands {
  readonly #open = new Map<string, Open>();
  readonly #guest: Pick<Guest, 'spawn'>;
  readonly #orchestration: string;
  readonly #reboot: () => Promise<void>;

  /** `orchestration`: folder in which scripts and their output are kept. */
  constructor(guest: Pick<Guest, 'spawn'>, orchestration: string, reboot: () => Promise<void>) {
    this.#guest = guest;
    this.#orchestration = orchestration;
    this.#reboot = reboot;
  }

  async run(order: CommandOrder): Promise<CommandReport> {
    const open: Open = { child: undefined, stopped: undefined };
    this.#open.set(order.commandId, open);
    const timer = setTimeout(() => this.#stop(open, 'TimedOut'), order.timeoutSeconds * 1000);
    try {
      const directory = join(this.#orchestration, order.commandId, 'awsrunShellScript', '0.awsrunShellScript');
      mkdirSync(directory, { recursive: true, mode: 0o700 });
      writeFileSync(join(directory, '_script.sh'), order.script, { mode: 0o700 });
      return await this.#untilDone(order, open, directory);
    } catch (error) {
      return { commandId: order.commandId, status: 'Failed', exitCode: 1, stdout: '', stderr: String(error) };
    } finally {
      clearTimeout(timer);
      this.#open.delete(order.commandId);
    }
  }

  async #untilDone(order: CommandOrder, open: Open, directory: string): Promise<CommandReport> {
    for (let reboots = 0; ; reboots += 1) {
      const report = await this.#once(order, open, directory);
      if (report.exitCode !== REBOOT || open.stopped !== undefined || reboots === REBOOTS_AT_MOST) return report;
      await this.#reboot();
      if (open.stopped !== undefined) return { ...report, status: open.stopped, exitCode: STOPPED };
    }
  }

  /** Output goes to files, so that a daemon which keeps it open does not keep the command open. */
  async #once(order: CommandOrder, open: Open, directory: string): Promise<CommandReport> {
    const stdout = openSync(join(directory, 'stdout'), 'w+', 0o600);
    const stderr = openSync(join(directory, 'stderr'), 'w+', 0o600);
    try {
      const script = join(directory, '_script.sh');
      open.child = this.#guest.spawn(['sh', '-c', script], { ...order.environment }, ['ignore', stdout, stderr]);
      const code = await exitOf(open.child);
      const status = open.stopped ?? (code === 0 ? 'Success' : code === STOPPED ? 'TimedOut' : 'Failed');
      return {
        commandId: order.commandId,
        status,
        exitCode: open.stopped === undefined ? code : STOPPED,
        stdout: firstCharacters(stdout, STDOUT_CHARACTERS),
        stderr: firstCharacters(stderr, STDERR_CHARACTERS),
      };
    } finally {
      closeSync(stdout);
      closeSync(stderr);
    }
  }

  cancel(commandId: string): void {
    const open = this.#open.get(commandId);
    if (open !== undefined) this.#stop(open, 'Cancelled');
  }

  #stop(open: Open, why: Stop): void {
    open.stopped ??= why;
    if (open.child !== undefined) killGroup(open.child);
  }
}
