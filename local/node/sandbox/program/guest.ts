import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';

/** Emptied by a restart: what tmpfs loses on a real machine. */
const VOLATILE = ['/run', '/tmp'];

const empty = (directory: string): void => {
  for (const entry of readdirSync(directory)) rmSync(join(directory, entry), { recursive: true, force: true });
};

/**
 * The node's own processes, in a pid namespace below the agent's: whatever runs there sees neither the agent nor the
 * machine beyond it, and killing everything kills the node's processes only.
 */
export class Guest {
  readonly #environment: NodeJS.ProcessEnv;
  #keeper: ChildProcess | undefined;

  constructor(environment: NodeJS.ProcessEnv) {
    this.#environment = environment;
  }

  /** Resolves when the node's first process is up. */
  async start(): Promise<void> {
    const keeper = spawn(
      'unshare',
      ['--mount', '--pid', '--fork', '--kill-child', '--mount-proc', 'bash', join(import.meta.dirname, 'init.sh')],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    this.#keeper = keeper;
    const ended = once(keeper, 'exit').then(() => {
      throw new Error('the first process of the node did not start');
    });
    await Promise.race([once(keeper.stdout, 'data'), ended]);
    // From now on its end is no news: commands fail, and a restart begins anew.
    ended.catch(() => undefined);
  }

  /** Starts a program on the node in a process group of its own; its pid is the group's id. */
  spawn(command: readonly string[], environment: NodeJS.ProcessEnv, stdio: StdioOptions): ChildProcess {
    const namespaces = `/proc/${this.#keeper?.pid}/ns`;
    return spawn('nsenter', [`--mount=${namespaces}/mnt`, `--pid=${namespaces}/pid_for_children`, '--', ...command], {
      detached: true,
      env: { ...this.#environment, ...environment },
      stdio,
    });
  }

  /** Mounts memory over a directory of the node. */
  async mountMemory(where: string, options: string): Promise<void> {
    mkdirSync(where, { recursive: true });
    await this.mount(['-t', 'tmpfs', '-o', options, 'tmpfs', where]);
  }

  /** Mounts something where only the node sees it. */
  async mount(options: readonly string[]): Promise<void> {
    const child = this.spawn(['mount', ...options], {}, ['ignore', 'inherit', 'inherit']);
    const [code] = await once(child, 'exit');
    if (code !== 0) throw new Error(`cannot mount ${options.join(' ')}`);
  }

  /** Ends every process of the node, forgets what is volatile, and begins again. */
  async restart(): Promise<void> {
    const keeper = this.#keeper;
    if (keeper !== undefined && keeper.exitCode === null && keeper.signalCode === null) {
      const gone = once(keeper, 'exit');
      keeper.kill('SIGKILL');
      await gone;
    }
    for (const directory of VOLATILE) empty(directory);
    await this.start();
  }
}

/** Ends a program that {@link Guest.spawn} started, and everything in its process group. */
export const killGroup = (child: ChildProcess): void => {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch {
    // The group has ended by itself.
  }
};
