import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Commands } from '../../../local/node/sandbox/program/commands.ts';
import type { CommandOrder } from '../../../local/node/sandbox/program/protocol.ts';
import { until } from '../../support/eventually.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'carrierarr-commands-'));
});
afterEach(() => {
  vi.useRealTimers();
  rmSync(folder, { recursive: true });
});

const order = (script: string, overrides: Partial<CommandOrder> = {}): CommandOrder => ({
  commandId: 'c-1',
  script: `#!/bin/bash\n${script}\n`,
  environment: {},
  timeoutSeconds: 60,
  ...overrides,
});

/** Runs on this machine: these scripts touch nothing. */
const aNode = (reboot: () => Promise<void> = async () => undefined) =>
  new Commands({
    guest: {
      spawn: ([program = '', ...parameters], environment, stdio) =>
        spawn(program, parameters, { detached: true, env: { PATH: process.env.PATH, ...environment }, stdio }),
    },
    orchestration: folder,
    environment: { AWS_SSM_INSTANCE_ID: 'i-1' },
    reboot,
  });

/** What has its time is at its end when a test says so. */
const holdTimers = () => vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });

/** What a script wrote into a file of the folder. */
const noted = async (name: string): Promise<string> =>
  await until(
    name,
    () => existsSync(join(folder, name)) && (readFileSync(join(folder, name), 'utf8').trim() || undefined),
  );

const isGone = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return false;
  } catch {
    return true;
  }
};

/** A daemon that lives as long as the test. */
const DAEMON = () => `setsid sh -c 'while [ -d "${folder}" ]; do sleep 0.2; done'`;

describe('the agent', () => {
  it('runs a script with its variables and reports code and output', async () => {
    const report = await aNode().run(
      order('echo "$SSM_Worker on $AWS_SSM_INSTANCE_ID"; echo oh >/dev/stderr', {
        environment: { SSM_Worker: 'gpu-1' },
      }),
    );

    expect(report).toEqual({
      commandId: 'c-1',
      status: 'Success',
      exitCode: 0,
      stdout: 'gpu-1 on i-1\n',
      stderr: 'oh\n',
    });
  });

  it('reports failure with the exit code', async () => {
    expect(await aNode().run(order('exit 64'))).toMatchObject({ status: 'Failed', exitCode: 64 });
  });

  it('keeps the first 24,000 and 8,000 bytes of the output', async () => {
    const report = await aNode().run(order("printf 'a%.0s' {1..30000}; echo end; printf 'x%.0s' {1..9000} >&2"));

    expect(report.stdout).toBe('a'.repeat(24_000));
    expect(report.stderr).toBe('x'.repeat(8_000));
  });

  it('takes exit code 137 for a time-out', async () => {
    expect(await aNode().run(order('exit 137'))).toMatchObject({ status: 'TimedOut', exitCode: 137 });
  });

  it('takes the end by a signal for a failure', async () => {
    expect(await aNode().run(order('kill -TERM $PPID; kill -TERM $$'))).toMatchObject({
      status: 'Failed',
      exitCode: -1,
    });
  });

  it('kills the whole process group when the time is up', async () => {
    holdTimers();
    const running = aNode().run(order(`sleep 60 & echo $! > '${folder}/child'; sleep 60`));
    const child = Number(await noted('child'));

    vi.advanceTimersByTime(60_000);

    expect(await running).toMatchObject({ status: 'TimedOut', exitCode: 137 });
    await until('the end of the child', () => isGone(child));
  });

  it('ends a cancelled script', async () => {
    const commands = aNode();
    const running = commands.run(order(`echo yes > '${folder}/started'; sleep 60`));
    await noted('started');

    commands.cancel('c-1');

    expect(await running).toMatchObject({ status: 'Cancelled', exitCode: 137 });
  });

  it('waits, like the real agent, for a daemon that keeps the output open, until the time is up', async () => {
    holdTimers();
    let over = false;
    const running = aNode()
      .run(order(`${DAEMON()} & echo started; echo $$ > '${folder}/script'`))
      .finally(() => {
        over = true;
      });
    const script = Number(await noted('script'));
    await until('the end of the script', () => isGone(script));
    const before = over;

    vi.advanceTimersByTime(60_000);

    expect(await running).toMatchObject({ status: 'TimedOut', exitCode: 137, stdout: 'started\n' });
    expect(before).toBe(false);
  });

  it('does not wait for a daemon that let go of it', async () => {
    const report = await aNode().run(order(`${DAEMON()} >/dev/null 2>&1 & echo started`, { timeoutSeconds: 3_600 }));

    expect(report).toMatchObject({ status: 'Success', stdout: 'started\n' });
  });

  it('restarts the node on exit code 194 and runs the script again', async () => {
    let reboots = 0;
    const commands = aNode(async () => {
      reboots += 1;
    });

    const report = await commands.run(order(`[[ -e '${folder}/again' ]] && exit 0; touch '${folder}/again'; exit 194`));

    expect(report).toMatchObject({ status: 'Success', exitCode: 0 });
    expect(reboots).toBe(1);
  });

  it('restarts a node only so often', async () => {
    let reboots = 0;
    const commands = aNode(async () => {
      reboots += 1;
    });

    expect(await commands.run(order('exit 194'))).toMatchObject({ status: 'Failed', exitCode: 194 });
    expect(reboots).toBe(5);
  });
});
