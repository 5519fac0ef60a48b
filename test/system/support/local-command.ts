import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { stateDirectory } from '../../../local/paths.ts';
import { pythonDirectory } from '../../scenario/support/emulator.ts';

const ROOT = resolve(import.meta.dirname, '../../..');

/** A state directory of a test's own, with the others' Python environment and compiled code, unless they are to be made. */
export const makeState = ({ python = true } = {}): string => {
  const state = mkdtempSync(join(tmpdir(), 'carrierarr-state-'));
  if (!python) return state;
  symlinkSync(pythonDirectory, join(state, 'python'));
  const compiled = join(stateDirectory(), 'node-cache');
  mkdirSync(compiled, { recursive: true });
  symlinkSync(compiled, join(state, 'node-cache'));
  return state;
};

/** A Python that never comes to the end of an installation. */
export const endlessPython = (state: string): string => {
  mkdirSync(join(state, 'fake'));
  const path = join(state, 'fake', 'python');
  const script = `#!/bin/bash
case "$1 $2 $3" in
  '-c '*) echo 3.11.7 ;;
  '-m pip --version') echo 'pip 23.2' ;;
  '-m venv '*) mkdir -p "\${*: -1}/bin" ;;
  *) sleep 600 & wait ;;
esac
`;
  writeFileSync(path, script);
  chmodSync(path, 0o755);
  return path;
};

export interface RunningCommand {
  readonly child: ChildProcess;
  readonly output: () => string;
  readonly exit: Promise<number | string>;
}

/** Starts `carrierarr local …` as a user does. */
export const startLocal = (
  state: string,
  args: readonly string[],
  env: Record<string, string> = {},
): RunningCommand => {
  const child = spawn(join(ROOT, 'bin', 'carrierarr'), ['local', ...args], {
    env: { ...process.env, CARRIERARR_STATE: state, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (data) => (text += String(data)));
  const exit = new Promise<number | string>((done) => {
    // Its last words may be read after its end only; whom it left behind may hold its output open for ever.
    child.once('close', (code, signal) => done(code ?? signal ?? ''));
    child.once('exit', (code, signal) => setTimeout(done, 5000, code ?? signal ?? ''));
  });
  return { child, output: () => text, exit };
};

/** Waits until the command says this. @throws Error with all it said, when it ends before */
export const awaitOutput = async ({ output, exit }: RunningCommand, pattern: RegExp): Promise<void> => {
  let ended: number | string | undefined;
  void exit.then((code) => {
    ended = code;
  });
  const deadline = Date.now() + 200_000;
  while (!pattern.test(output())) {
    if (ended !== undefined || Date.now() > deadline) {
      throw new Error(`no ${pattern} (${ended === undefined ? 'still running' : `exit ${ended}`}) in: ${output()}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
};

const read = (file: string): string => {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
};

/** Processes that have to do with a state directory: by arguments or environment. */
export const processesOf = (state: string): string[] =>
  readdirSync('/proc')
    .filter((name) => /^[0-9]+$/.test(name) && Number(name) !== process.pid)
    .filter((pid) => read(`/proc/${pid}/environ`).includes(state) || read(`/proc/${pid}/cmdline`).includes(state))
    .map((pid) => `${pid} ${read(`/proc/${pid}/cmdline`).replaceAll('\0', ' ')}`);

/** Addresses on which processes of a state directory listen. */
export const listeningAddresses = (state: string): string[] => {
  const pids = processesOf(state).map((line) => line.split(' ')[0]);
  return execFileSync('ss', ['-H', '-l', '-t', '-u', '-n', '-p'], { encoding: 'utf8' })
    .split('\n')
    .filter((line) => pids.some((pid) => line.includes(`pid=${pid},`)))
    .map((line) => line.split(/\s+/)[4] ?? '');
};

/** Files that a command has left below its state directory, but for what it keeps for later runs. */
export const filesOf = (state: string): string[] =>
  readdirSync(state, { recursive: true })
    .map(String)
    .filter((name) => !/^(python|fake|node-cache|clouds$)/.test(name));
