import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** An API server of its own process, with what it remembers and is told. */
export class Api {
  readonly folder: string;
  readonly #wires: string;
  readonly #arguments: readonly string[];
  #process: ChildProcess | undefined;

  constructor(folder: string, wires: string, programs: string, preset: string, doors: readonly string[]) {
    this.folder = folder;
    this.#wires = wires;
    const listen = doors.flatMap((door) => ['--listen', door]);
    const state = ['--preset', preset, '--state', join(folder, 'state.json')];
    this.#arguments = [join(programs, 'kube-api.mjs'), ...state, ...listen];
    for (const each of ['kube', 'nebula']) mkdirSync(join(folder, each), { recursive: true });
    // Its machine is in the mesh.
    writeFileSync(join(folder, 'nebula/device'), '10.100.2.1/16 1300\n');
  }

  async start(): Promise<void> {
    const env = { ...process.env, STANDIN_WIRES: this.#wires, STANDIN_RUN: this.folder };
    const child = spawn(process.execPath, this.#arguments, { env, stdio: ['ignore', 'pipe', 'inherit'] });
    this.#process = child;
    await once(child.stdout, 'data');
  }

  /** As when its machine is gone. */
  async stop(): Promise<void> {
    const child = this.#process;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'close');
    child.kill('SIGKILL');
    await gone;
  }

  /** As when its machine is shut down. */
  async end(): Promise<void> {
    const child = this.#process;
    if (child === undefined) return;
    const gone = once(child, 'close');
    child.kill('SIGTERM');
    await gone;
  }

  /** All that it keeps, as text. */
  objects(): string {
    return readFileSync(join(this.folder, 'state.json'), 'utf8');
  }

  keep(objects: string): void {
    writeFileSync(join(this.folder, 'state.json'), objects);
  }

  knob(name: string, text = ''): void {
    writeFileSync(join(this.folder, 'kube', name), text);
  }

  forget(name: string): void {
    rmSync(join(this.folder, 'kube', name), { force: true });
  }
}
