/**
 * What a fleet costs its control plane: a real control plane (its bundle) in one process, and agents in two others, each
 * with a connection of its own, that send the heartbeats and statuses of a GPU worker at the real rate.
 *
 *   node scripts/measure-agents.ts [agents, default 1000] [seconds of rest, default 60] [interval in seconds, default 30]
 *
 * Agents and control plane share the machine: all times are upper bounds.
 */
import { type ChildProcess, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bundleControlPlane } from '../agent/control-plane/build.ts';
import type { FleetReport } from '../test/agent/wire/support/simulated-fleet.ts';

const agents = Number(process.argv[2] ?? 1_000);
const seconds = Number(process.argv[3] ?? 60);
const interval = Number(process.argv[4] ?? 30);
const PROCESSES = 2;
const TICKS_PER_SECOND = 100;
/** As the image starts it. */
const NODE_FLAGS = ['--max-old-space-size=256', '--disable-warning=ExperimentalWarning'];

const fleetProgram = join(import.meta.dirname, '../test/agent/wire/support/simulated-fleet.ts');
const pause = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds));

const freePort = async (): Promise<number> => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no free port');
  return address.port;
};

/** The control plane's process, and what the kernel says of it. */
class Plane {
  readonly grpc: number;
  readonly #http: number;
  readonly #folder: string;
  #process: ChildProcess | undefined;

  constructor(folder: string, grpc: number, http: number) {
    this.#folder = folder;
    this.grpc = grpc;
    this.#http = http;
  }

  /** @returns milliseconds until it was ready */
  async start(): Promise<number> {
    const at = performance.now();
    const listen = ['--grpc-addr', `127.0.0.1:${this.grpc}`, '--http-addr', `127.0.0.1:${this.#http}`];
    const bundle = join(this.#folder, 'control-plane.mjs');
    const stdio = ['ignore', 'ignore', 'inherit'] as const;
    this.#process = spawn(
      process.execPath,
      [...NODE_FLAGS, bundle, ...listen, '--data-dir', join(this.#folder, 'data')],
      { stdio: [...stdio] },
    );
    while (!(await this.#ready())) await pause(10);
    return performance.now() - at;
  }

  async #ready(): Promise<boolean> {
    try {
      return (await fetch(`http://127.0.0.1:${this.#http}/ready`)).ok;
    } catch {
      return false;
    }
  }

  async stop(signal: NodeJS.Signals): Promise<void> {
    if (this.#process?.exitCode !== null) return;
    const ended = once(this.#process, 'exit');
    this.#process.kill(signal);
    await ended;
  }

  /** Resident memory in MB: all, and without pages of files that others share. */
  async memory(): Promise<{ all: number; anonymous: number }> {
    const text = await readFile(`/proc/${this.#process?.pid}/status`, 'utf8');
    const kilobytes = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(text)?.[1]);
    return { all: kilobytes('VmRSS') / 1_024, anonymous: kilobytes('RssAnon') / 1_024 };
  }

  /** Seconds of a processor used since its start. */
  async cpuSeconds(): Promise<number> {
    const text = await readFile(`/proc/${this.#process?.pid}/stat`, 'utf8');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
  }
}

/** All agents, in some processes. */
class Fleet {
  heartbeats: number[] = [];
  readonly #children: ChildProcess[];
  readonly #latest = new Map<ChildProcess, FleetReport>();

  constructor(port: number) {
    const share = Math.ceil(agents / PROCESSES);
    this.#children = Array.from({ length: PROCESSES }, (_, index) => {
      const first = index * share;
      const count = Math.min(share, agents - first);
      const child = fork(fleetProgram, [`127.0.0.1:${port}`, `${first}`, `${count}`, `${interval * 1_000}`]);
      child.on('message', (message) => this.#hear(child, message as FleetReport));
      return child;
    });
  }

  #hear(child: ChildProcess, report: FleetReport): void {
    this.#latest.set(child, report);
    this.heartbeats.push(...report.heartbeats);
  }

  #sum(of: (report: FleetReport) => number): number {
    return [...this.#latest.values()].reduce((sum, report) => sum + of(report), 0);
  }

  get connections(): number {
    return this.#sum((report) => report.connections);
  }

  /** @returns milliseconds until that many were up, and all together had registered at least so often */
  async up(count: number, connections: number): Promise<number> {
    const at = performance.now();
    while (this.#sum((report) => report.up) < count || this.connections < connections) {
      if (performance.now() - at > 180_000) throw new Error(`only ${this.#sum((report) => report.up)} agents are up`);
      await pause(20);
    }
    return performance.now() - at;
  }

  end(): void {
    for (const child of this.#children) child.disconnect();
  }
}

const quantile = (values: readonly number[], share: number): number => {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
};

const line = (what: string, value: string): void => console.log(`| ${what.padEnd(58)} | ${value.padStart(26)} |`);
const megabytes = ({ all, anonymous }: { all: number; anonymous: number }): string =>
  `${all.toFixed(0)} MB (${anonymous.toFixed(0)} anonymous)`;

const rest = async (plane: Plane, fleet: Fleet): Promise<void> => {
  fleet.heartbeats = [];
  const [before, at] = [await plane.cpuSeconds(), performance.now()];
  await pause(seconds * 1_000);
  const percent = (100 * ((await plane.cpuSeconds()) - before)) / ((performance.now() - at) / 1_000);
  line(`memory after ${seconds} s`, megabytes(await plane.memory()));
  line('processor, of one core', `${percent.toFixed(1)} %`);
  const times = [0.5, 0.99, 1].map((share) => quantile(fleet.heartbeats, share).toFixed(1));
  line(`heartbeat p50 / p99 / most, of ${fleet.heartbeats.length}`, `${times.join(' / ')} ms`);
};

const restart = async (plane: Plane, fleet: Fleet, signal: NodeJS.Signals): Promise<void> => {
  const before = fleet.connections;
  const at = performance.now();
  await plane.stop(signal);
  const ended = performance.now() - at;
  await plane.start();
  const ready = performance.now() - at;
  await fleet.up(agents / 2, before + agents / 2);
  const half = performance.now() - at;
  await fleet.up(agents, before + agents);
  const all = performance.now() - at;
  const times = [ended, ready, half, all].map((each) => (each / 1_000).toFixed(1)).join(' / ');
  line(`${signal}: ended, ready again, half of agents back, all`, `${times} s`);
  line(`memory after ${signal} and all that`, megabytes(await plane.memory()));
};

const measure = async (plane: Plane): Promise<void> => {
  console.log(`| ${`${agents} agents, every ${interval} s`.padEnd(58)} | ${''.padStart(26)} |\n| --- | ---: |`);
  line('control plane ready after', `${(await plane.start()).toFixed(0)} ms`);
  line('memory without agents', megabytes(await plane.memory()));
  const fleet = new Fleet(plane.grpc);
  try {
    line('all agents registered, with stream and status, after', `${(await fleet.up(agents, agents)).toFixed(0)} ms`);
    line('memory then', megabytes(await plane.memory()));
    await rest(plane, fleet);
    await restart(plane, fleet, 'SIGTERM');
    await restart(plane, fleet, 'SIGKILL');
  } finally {
    fleet.end();
  }
};

const folder = await mkdtemp(join(tmpdir(), 'carrierarr-agents-'));
const plane = new Plane(folder, await freePort(), await freePort());
try {
  await bundleControlPlane(folder);
  await measure(plane);
} finally {
  await plane.stop('SIGTERM');
  await rm(folder, { recursive: true, force: true });
}
