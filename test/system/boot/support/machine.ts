import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { FakeInstance } from '../../../ssm/fake-instance.ts';
import { type Ground, outputOf } from './ground.ts';
import { descendantsOf } from './processes.ts';

const WANTS_TO_BOOT_AGAIN = 133;
const LOOK_MILLISECONDS = 20;

export interface MachineOptions {
  readonly name: string;
  /** Which of the ground's images it has. */
  readonly image: string;
  readonly instance: FakeInstance;
  /** Private address. */
  readonly address: string;
  /** File that its console goes to. */
  readonly console: string;
}

export interface Verdict {
  readonly done: boolean;
  /** The file's text: the reason of a failure. */
  readonly text: string;
}

/** Waits for what should come about. @throws after the limit, naming it */
export const eventually = async <T>(
  what: string,
  look: () => Promise<T | undefined> | T | undefined,
  seconds = 40,
): Promise<T> => {
  const deadline = Date.now() + seconds * 1000;
  for (;;) {
    const found = await look();
    if (found !== undefined && found !== false) return found;
    if (Date.now() > deadline) throw new Error(`${what}: not within ${seconds} s`);
    await sleep(LOOK_MILLISECONDS);
  }
};

/** A machine under real systemd. It boots again when it wants to, as an instance does. */
export class Machine {
  readonly name: string;
  readonly instance: FakeInstance;
  readonly address: string;
  /** How often it was switched on. */
  boots = 0;
  /** When it was last switched on, in milliseconds. */
  startedAt = 0;
  /** Whether it has switched itself off. */
  off = false;
  /** Resolves when it is off. */
  readonly ended: Promise<void>;
  readonly #ground: Ground;
  readonly #options: MachineOptions;
  #process: ChildProcess | undefined;
  #leader: number | undefined;

  constructor(ground: Ground, options: MachineOptions) {
    this.#ground = ground;
    this.#options = options;
    this.name = options.name;
    this.instance = options.instance;
    this.address = options.address;
    this.ended = this.#live();
  }

  async #live(): Promise<void> {
    const { name, image, console } = this.#options;
    const command = ['bash', join(import.meta.dirname, 'machine.sh'), name, image];
    let code: number | null = WANTS_TO_BOOT_AGAIN;
    while (code === WANTS_TO_BOOT_AGAIN) {
      this.#leader = undefined;
      this.boots += 1;
      this.startedAt = Date.now();
      const output = openSync(console, 'a');
      this.#process = this.#ground.spawn(command, { stdio: ['ignore', output, output] });
      closeSync(output);
      [code] = (await once(this.#process, 'exit')) as [number | null];
    }
    this.off = true;
  }

  /** Its first process, as this machine sees it. */
  async leader(): Promise<number> {
    if (this.#leader !== undefined) return this.#leader;
    const boot = this.boots;
    const found = await eventually(`systemd of ${this.name}`, () => {
      if (this.off) throw new Error(`${this.name} is off: ${readFileSync(this.#options.console, 'utf8').slice(-1000)}`);
      return descendantsOf(this.#process?.pid ?? 0).find(({ name }) => name === 'systemd')?.pid;
    });
    if (boot === this.boots) this.#leader = found;
    return found;
  }

  /** A file of the machine, seen from here; what is on its memory is there while it runs. */
  async path(path: string): Promise<string> {
    return `/proc/${await this.leader()}/root${path}`;
  }

  async read(path: string): Promise<string> {
    return readFileSync(await this.path(path), 'utf8');
  }

  async has(path: string): Promise<boolean> {
    return existsSync(await this.path(path));
  }

  /** Runs a script of bash on it. @throws with what it printed when it fails */
  async sh(script: string, input = ''): Promise<string> {
    const enter = [`--target=${await this.leader()}`, '--mount', '--uts', '--ipc', '--net', '--pid'];
    const env = { LC_ALL: 'C', PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' };
    const child = spawn('nsenter', [...enter, '--', 'bash', '--norc', '-euo', 'pipefail', '-c', script], { env });
    return outputOf(child, script, input);
  }

  /** From now on its programs wait for nobody: neither for time to pass nor for echoes that do not come at once. */
  async hurry(): Promise<void> {
    await this.sh(`cd /usr/local/bin
printf '#!/bin/bash\nexit 0\n' >sleep
printf '#!/bin/bash\nexec /usr/bin/ping "$@" -W 0.1\n' >ping
chmod 0755 sleep ping`);
  }

  /** Properties of a unit, as `systemctl show` names them. */
  async unit<Name extends string>(unit: string, ...names: readonly Name[]): Promise<Record<Name, string>> {
    const text = await this.sh(`systemctl show ${names.map((name) => `--property=${name}`).join(' ')} ${unit}`);
    const pairs = text
      .trimEnd()
      .split('\n')
      .map((line) => line.split(/=(.*)/s).slice(0, 2));
    return Object.fromEntries(pairs) as Record<Name, string>;
  }

  /** State of a unit once it has started or failed to. */
  async waitFor(unit: string): Promise<string> {
    return eventually(`start of ${unit} on ${this.name}`, async () => {
      const { ActiveState } = await this.unit(unit, 'ActiveState');
      return ActiveState === 'activating' || ActiveState === 'inactive' ? undefined : ActiveState;
    });
  }

  /** Waits until the boot has told how it went and its unit has ended. */
  async verdict(seconds = 40): Promise<Verdict> {
    const name = await eventually(
      `verdict of the boot of ${this.name}`,
      async () => {
        for (const file of ['boot.done', 'boot.failed']) if (await this.has(`/run/carrierarr/${file}`)) return file;
        return undefined;
      },
      seconds,
    );
    await eventually(`end of the boot of ${this.name}`, async () =>
      (await this.unit('carrierarr-boot', 'ActiveState')).ActiveState === 'activating' ? undefined : true,
    );
    return { done: name === 'boot.done', text: (await this.read(`/run/carrierarr/${name}`)).trimEnd() };
  }

  /** Marks of the running boot with their times in milliseconds. */
  async timeline(): Promise<Map<string, number>> {
    const lines = (await this.read('/run/carrierarr/timeline')).trimEnd().split('\n');
    return new Map(lines.map((line) => line.split(' ')).map(([time, mark = '']) => [mark, Number(time) * 1000]));
  }

  /** The journal since the machine was first switched on. */
  journal(): Promise<string> {
    return this.sh('journalctl --no-pager --output=short-precise');
  }

  /** Boots it again, as `systemctl reboot` does, and waits until it is on its way. */
  async reboot(): Promise<void> {
    const before = this.boots;
    await this.sh('systemctl --no-block reboot');
    await eventually(`reboot of ${this.name}`, () => this.boots > before);
  }

  /** Pulls the plug. Whoever would kill systemd-nspawn instead would leave the machine running. */
  async stop(): Promise<void> {
    const leader = this.off ? undefined : await this.leader().catch(() => undefined);
    if (leader !== undefined && !this.off) process.kill(leader, 'SIGKILL');
    await this.ended;
  }
}
