import { readFileSync, rmSync } from 'node:fs';
import { platform } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { emulatorObstacle } from '../scenario/support/emulator.ts';
import { eventually } from '../support/eventually.ts';
import { filesOf, listeningAddresses, makeState, processesOf, startLocal } from './support/local-command.ts';

const obstacle = platform() === 'linux' ? await emulatorObstacle() : 'it looks into /proc, which is of Linux';
if (obstacle !== undefined) console.warn(`SKIPPED: embedded clouds in the background. ${obstacle}`);

let state = '';
afterEach(async () => {
  await startLocal(state, ['down', '--all']).exit;
  rmSync(state, { recursive: true, force: true });
});

const run = async (...args: string[]): Promise<{ code: number | string; output: string }> => {
  const command = startLocal(state, args);
  return { code: await command.exit, output: command.output() };
};

const kill = (name: string): void => {
  process.kill(Number(readFileSync(join(state, 'clouds', name, 'owner'), 'utf8')), 'SIGKILL');
};

describe.skipIf(obstacle !== undefined)('embedded clouds in the background', () => {
  it('run side by side, each with its own port, and end without a trace, even one that is killed on nodes of the best kind', async () => {
    state = makeState();

    const ups = await Promise.all([run('up', '--name', 'one'), run('up', '--name', 'two', '--nodes', 'played')]);

    expect(
      ups.map(({ code }) => code),
      ups.map(({ output }) => output).join('\n'),
    ).toEqual([0, 0]);
    const environments = await Promise.all(['one', 'two'].map((name) => run('env', '--name', name)));
    const endpoints = environments.map(
      ({ output }) => /AWS_ENDPOINT_URL='(http:\/\/127\.0\.0\.1:[0-9]+)'/.exec(output)?.[1],
    );
    expect(new Set(endpoints).size).toBe(2);
    const addresses = listeningAddresses(state);
    expect(addresses.length).toBeGreaterThanOrEqual(4);
    expect(addresses.filter((address) => !address.startsWith('127.0.0.1:'))).toEqual([]);
    expect((await run('status')).output).toMatch(/one +up .*\ntwo +up /);
    expect(await run('up', '--name', 'one')).toMatchObject({ code: 0, output: expect.stringContaining('up already') });

    kill('one');
    await eventually(() => expect(fetch(`${endpoints[0]}/_edge/health`)).rejects.toThrow());
    expect((await fetch(`${endpoints[1]}/_edge/health`)).ok).toBe(true);

    expect(await run('down', '--name', 'two')).toMatchObject({
      code: 0,
      output: expect.stringContaining('two is gone'),
    });
    await eventually(() => expect(processesOf(state)).toEqual([]));
    for (const which of [['--all'], ['--name', 'one']]) {
      expect(await run('down', ...which)).toMatchObject({
        code: 0,
        output: expect.stringContaining('one is not running'),
      });
    }
    expect(filesOf(state)).toEqual([]);
  });

  it('say how to start one where there is none', async () => {
    state = makeState();

    const answer = await run('env');

    expect(answer).toMatchObject({ code: 5, output: expect.stringContaining('carrierarr local up') });
  });
});
