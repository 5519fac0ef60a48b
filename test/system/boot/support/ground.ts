import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { descendantsOf } from './processes.ts';

const PATHS = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** Standard output of a program that is given this input and must succeed. */
export const outputOf = async (child: ChildProcess, what: string, input = ''): Promise<string> => {
  // A program that ends before it has read its input says why on standard error.
  child.stdin?.on('error', () => undefined);
  child.stdin?.end(input);
  let output = '';
  let complaint = '';
  child.stdout?.on('data', (chunk: Buffer) => {
    output += chunk.toString('utf8');
  });
  child.stderr?.on('data', (chunk: Buffer) => {
    complaint += chunk.toString('utf8');
  });
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(`${what} ended with ${code}: ${(complaint || output).trim().slice(-2000)}`);
  return output;
};

/**
 * Namespaces of mounts, processes and network that are not this machine's own. What is started here ends with them, and
 * they end with this process, however it ends.
 */
export class Ground {
  /** Of the first process in there, as this machine sees it. */
  readonly pid: number;
  readonly #holder: ChildProcess;

  private constructor(holder: ChildProcess, pid: number) {
    this.#holder = holder;
    this.pid = pid;
  }

  static async start(): Promise<Ground> {
    const script = join(import.meta.dirname, 'ground.sh');
    const namespaces = ['--mount', '--net', '--pid', '--fork', '--kill-child', '--mount-proc'];
    const holder = spawn('unshare', [...namespaces, 'bash', script], {
      stdio: ['pipe', 'pipe', 'inherit'],
      env: { PATH: PATHS },
    });
    const ready = await Promise.race([once(holder.stdout, 'data'), once(holder, 'exit')]);
    const [first] = descendantsOf(holder.pid ?? 0);
    if (first === undefined) throw new Error(`no namespaces can be had: ${String(ready[0])}`);
    return new Ground(holder, first.pid);
  }

  /** A file in there, seen from here. */
  path(path: string): string {
    return `/proc/${this.pid}/root${path}`;
  }

  spawn(command: readonly string[], options: SpawnOptions = {}): ChildProcess {
    return spawn('nsenter', [`--target=${this.pid}`, '--mount', '--net', '--pid', '--', ...command], {
      ...options,
      env: { LC_ALL: 'C', PATH: PATHS, ...options.env },
    });
  }

  /** Runs a script of bash and waits for its end. */
  run(script: string, environment: Readonly<Record<string, string>> = {}, input = ''): Promise<string> {
    return outputOf(
      this.spawn(['bash', '--norc', '-euo', 'pipefail', '-c', script], { env: environment }),
      script,
      input,
    );
  }

  async close(): Promise<void> {
    if (this.#holder.exitCode !== null || this.#holder.signalCode !== null) return;
    const ended = once(this.#holder, 'exit');
    this.#holder.kill('SIGKILL');
    await ended;
  }
}
