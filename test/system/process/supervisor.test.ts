import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { isAlive } from '../../../local/process/lock.ts';
import { type Program, Supervisor } from '../../../local/process/supervisor.ts';

/** Enough for the willing, short for the tests. */
const GRACE_MS = 200;
/** Init may take a while to notice that an orphan is dead. */
const PATIENCE = { timeout: 60_000, interval: 100 };

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'carrierarr-supervisor-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

const program = (script: string): Program => ({
  name: 'script',
  command: 'bash',
  args: ['-c', script],
  env: { PATH: process.env.PATH ?? '', DIRECTORY: directory },
  cwd: directory,
  logFile: join(directory, 'log'),
});

/** Starts a child of its own that ignores a polite request, and says who both are. */
const STUBBORN_FAMILY = `
  trap '' TERM
  bash -c 'trap "" TERM; echo $$ >>"$DIRECTORY/pids"; while :; do sleep 1; done' &
  echo $$ >>"$DIRECTORY/pids"
  wait
`;

const familyPids = async (): Promise<number[]> =>
  await vi.waitFor(() => {
    const pids = readFileSync(join(directory, 'pids'), 'utf8').trim().split('\n').map(Number);
    expect(pids).toHaveLength(2);
    return pids;
  }, PATIENCE);

describe('a supervisor', () => {
  it('runs a program to its end with the given environment and nothing else', async () => {
    const supervisor = new Supervisor(GRACE_MS);

    await supervisor.run(program('env'));
    await supervisor.stop();

    const log = readFileSync(join(directory, 'log'), 'utf8');
    expect(log).toContain(`DIRECTORY=${directory}`);
    expect(log).not.toContain('HOME=');
  });

  it('reports a failing program with its exit code and the end of its output', async () => {
    const supervisor = new Supervisor(GRACE_MS);

    const failure = supervisor.run(program('echo no such thing; exit 7'));

    await expect(failure).rejects.toMatchObject({
      name: 'ServiceUnavailableError',
      got: expect.stringMatching(/exit 7\nno such thing/),
    });
    await supervisor.stop();
  });

  it('reports a program that cannot be started', async () => {
    const supervisor = new Supervisor(GRACE_MS);

    await expect(supervisor.run({ ...program(''), command: '/nonexistent' })).rejects.toThrow('ENOENT');
    await supervisor.stop();
  });

  it('ends whole families on stop, also those that will not', async () => {
    const supervisor = new Supervisor(GRACE_MS);
    supervisor.start(program(STUBBORN_FAMILY));
    const pids = await familyPids();

    await supervisor.stop();

    await vi.waitFor(() => expect(pids.filter(isAlive)).toEqual([]), PATIENCE);
  });

  it('ends what a program leaves behind when it ends', async () => {
    const supervisor = new Supervisor(GRACE_MS);

    await supervisor.run(program('sleep 60 & echo $! >"$DIRECTORY/pids"'));

    const pid = Number(readFileSync(join(directory, 'pids'), 'utf8'));
    await vi.waitFor(() => expect(isAlive(pid)).toBe(false), PATIENCE);
    await supervisor.stop();
  });

  it('ends a program when its run is aborted, and says what the abort said', async () => {
    const supervisor = new Supervisor(GRACE_MS);
    const abort = new AbortController();
    const run = supervisor.run(program('echo $$ >"$DIRECTORY/pids"; sleep 60'), abort.signal);
    const pid = await vi.waitFor(() => {
      const said = readFileSync(join(directory, 'pids'), 'utf8').trim();
      expect(said).toMatch(/^\d+$/);
      return Number(said);
    }, PATIENCE);

    abort.abort(new Error('enough'));

    await expect(run).rejects.toThrow('enough');
    expect(isAlive(pid)).toBe(false);
    await supervisor.stop();
  });

  it('starts nothing once it is stopped', async () => {
    const supervisor = new Supervisor(GRACE_MS);
    await supervisor.stop();

    expect(() => supervisor.start(program('true'))).toThrow('after everything was stopped');
  });

  it('leaves nothing behind even when its own process is killed', async () => {
    const module = join(import.meta.dirname, '../../../local/process/supervisor.ts');
    const owner = spawn(
      process.execPath,
      [
        '--input-type=module',
        '--eval',
        `import { Supervisor } from ${JSON.stringify(module)};
         new Supervisor(${GRACE_MS}).start(${JSON.stringify(program(STUBBORN_FAMILY))});
         setInterval(() => {}, 1000);`,
      ],
      { stdio: 'ignore' },
    );
    const pids = await familyPids();

    owner.kill('SIGKILL');

    await vi.waitFor(() => expect(pids.filter(isAlive)).toEqual([]), PATIENCE);
  });
});
