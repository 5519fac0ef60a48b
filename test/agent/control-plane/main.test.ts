import { spawn } from 'node:child_process';
import { afterEach, describe, expect, it } from 'vitest';
import { VERSION } from '../../../agent/shared/version.ts';

const MAIN = new URL('../../../agent/control-plane/main.ts', import.meta.url).pathname;
const IN_MEMORY = ['--grpc-addr', '127.0.0.1:0', '--http-addr', '127.0.0.1:0', '--data-dir', ':memory:'];

const cleanUps: (() => unknown)[] = [];
afterEach(() => {
  for (const cleanUp of cleanUps.splice(0)) cleanUp();
});

const started = (...argv: string[]) => {
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', MAIN, ...argv], {
    env: { PATH: process.env.PATH },
  });
  cleanUps.push(() => child.kill('SIGKILL'));
  let said = '';
  const listeners: (() => void)[] = [];
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      said += text;
      for (const listener of listeners) listener();
    });
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  const says = (text: string) =>
    new Promise<void>((resolve) => {
      const look = (): void => {
        if (said.includes(text)) resolve();
      };
      listeners.push(look);
      look();
    });
  return { child, ended, says, lines: () => said.trim().split('\n'), said: () => said };
};

describe('the program', () => {
  it('tells its version', async () => {
    const { ended, said } = started('--version');

    expect(await ended).toBe(0);
    expect(said()).toBe(`${VERSION}\n`);
  });

  it('is as quiet as its flag says, and ends in order when told to, also while it starts', async () => {
    const { child, ended, says, lines } = started(...IN_MEMORY, '--log-level', 'warn');
    await says('agents need no token');

    child.kill('SIGTERM');

    expect(await ended).toBe(0);
    expect(new Set(lines().map((line) => JSON.parse(line).level))).toEqual(new Set(['warn']));
  });

  it('that is told nonsense says all of it in one line, and ends', async () => {
    const { ended, said } = started('--grpc-addr', 'nowhere', '--stale-timeout', 'soon');

    expect(await ended).toBe(1);
    expect(JSON.parse(said())).toMatchObject({
      level: 'error',
      event: 'unusable',
      reason: expect.stringMatching(/--grpc-addr.*--stale-timeout/),
    });
  });
});
