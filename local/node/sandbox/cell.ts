import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { parseMessage } from './messages.ts';
import type { FromAgent, FromHost } from './program/protocol.ts';

const SCRIPT = join(import.meta.dirname, 'cell.sh');
const LONGEST_LINE = 12_000_000;
const CONSOLE_LIMIT = 4_000_000;
const FAREWELL_MILLISECONDS = 1500;

export interface CellOptions {
  /** The node's directory, laid out by `layOutImage`. */
  readonly directory: string;
  readonly hostname: string;
  /** First of 65536 host user ids for the node's own; undefined: the caller becomes the node's root. */
  readonly owner: number | undefined;
  /** Folder with stand-ins for programs that cannot run here; seen as {@link STAND_INS}. */
  readonly standIns: string;
  /** @default true; false mounts the host's programs read-only instead */
  readonly overlay?: boolean;
  /** Host path of a nebula to find first; undefined: the one the host's programs include, if any. */
  readonly nebula?: string | undefined;
  /** Folder with the stand-ins for Kubernetes, bundled; seen as `/.agent/cluster`. */
  readonly cluster?: string | undefined;
  /** Folder in which the programs of all nodes find each other by sockets, seen as {@link WIRES}: instead of a network. */
  readonly wires?: string | undefined;
  /** Whether the node gets /dev/net/tun, which takes root on the host. */
  readonly tun: boolean;
}

export const STAND_INS = '/.agent/stand-ins';
export const WIRES = '/.agent/wires';

const environmentOf = (options: CellOptions): NodeJS.ProcessEnv => ({
  PATH: `${process.env.PATH ?? ''}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin`,
  LC_ALL: 'C',
  CELL_UID_BASE: options.owner === undefined ? '' : String(options.owner),
  CELL_NODE: process.execPath,
  CELL_STAND_INS: options.standIns,
  CELL_NEBULA: options.nebula ?? '',
  CELL_CLUSTER: options.cluster ?? '',
  CELL_WIRES: options.wires ?? '',
  CELL_OVERLAY: options.overlay === false ? 'no' : 'yes',
  CELL_TUN: options.tun ? 'yes' : 'no',
  CELL_HOSTNAME: options.hostname,
});

/** Under root the cell is a user of its own, elsewhere the caller's user namespace makes the mounts possible. */
const commandOf = (options: CellOptions): string[] => [
  ...['--pdeathsig', 'KILL', 'unshare'],
  ...(options.owner === undefined ? ['--user', '--map-root-user'] : []),
  ...['--mount', 'bash', SCRIPT, 'view'],
];

/**
 * A running cell: the process tree in its namespaces and the line to its agent. It ends with this process, however that
 * ends: the kernel kills the tree's head (parent death signal), and the agent ends when the line breaks.
 */
export class Cell {
  /** Resolves with the exit of the tree's head, when every process of the cell is gone. */
  readonly ended: Promise<void>;
  readonly #child: ChildProcess;
  readonly #line: Duplex;
  readonly #console: string;
  #consoleLength = 0;
  #partial = '';

  constructor(options: CellOptions, onMessage: (message: FromAgent) => void) {
    this.#console = join(options.directory, 'console.log');
    this.#child = spawn('setpriv', commandOf(options), {
      cwd: options.directory,
      // A session of its own: what runs on a node must not reach the caller's terminal through /dev/tty.
      detached: true,
      env: environmentOf(options),
      stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    });
    this.#line = this.#child.stdio[3] as Duplex;
    this.#child.stdout?.on('data', (chunk: Buffer) => this.log(chunk.toString('utf8')));
    this.#child.stderr?.on('data', (chunk: Buffer) => this.log(chunk.toString('utf8')));
    // Broken pipes: the cell has ended, which `ended` tells.
    this.#line.on('error', () => undefined);
    this.#line.setEncoding('utf8');
    this.#line.on('data', (chunk: string) => this.#receive(chunk, onMessage));
    this.ended = new Promise((resolve) => {
      this.#child.once('error', (error) => {
        this.log(`setpriv of util-linux cannot be started: ${error.message}\n`);
        resolve();
      });
      this.#child.once('exit', () => resolve());
    });
  }

  /** Host process id of the tree's head: it is in the cell's network namespace. */
  get pid(): number {
    if (this.#child.pid === undefined) throw new Error('the cell has not started');
    return this.#child.pid;
  }

  send(message: FromHost): void {
    if (this.#line.writable) this.#line.write(`${JSON.stringify(message)}\n`);
  }

  /** Appends to the node's console, up to a limit. */
  log(text: string): void {
    if (this.#consoleLength > CONSOLE_LIMIT) return;
    this.#consoleLength += text.length;
    try {
      appendFileSync(this.#console, text);
    } catch {
      // The cloud's directory was removed before the node's last word.
    }
  }

  /** Breaks the line, which ends the agent and everything below it; what lingers is killed. */
  async end(): Promise<void> {
    this.#line.end();
    const killer = setTimeout(() => this.#child.kill('SIGKILL'), FAREWELL_MILLISECONDS);
    await this.ended;
    clearTimeout(killer);
    if (!this.#line.destroyed) await Promise.race([once(this.#line, 'close'), sleep(FAREWELL_MILLISECONDS)]);
    this.#line.destroy();
  }

  #receive(chunk: string, onMessage: (message: FromAgent) => void): void {
    const lines = (this.#partial + chunk).split('\n');
    this.#partial = lines.pop() ?? '';
    try {
      if (this.#partial.length > LONGEST_LINE) throw new Error('line too long');
      for (const line of lines) onMessage(parseMessage(line));
    } catch (error) {
      this.log(`host: ends the node, its agent speaks nonsense: ${String(error).slice(0, 500)}\n`);
      this.#child.kill('SIGKILL');
    }
  }
}

const sleep = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, milliseconds).unref();
  });
