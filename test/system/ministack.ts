import { type ChildProcess, spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** Path of the emulator's program; the tests that need it are skipped without it. */
export const MINISTACK_BIN = process.env.MINISTACK_BIN;

const READY_SECONDS = 60;

const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });

const answers = async (url: string): Promise<boolean> => {
  try {
    return (await fetch(`${url}/_ministack/health`)).ok;
  } catch {
    return false;
  }
};

export interface Ministack {
  readonly url: string;
  stop(): Promise<void>;
}

/** Starts an emulator of its own on a free loopback port. */
export const startMinistack = async (program: string): Promise<Ministack> => {
  const port = await freePort();
  const child: ChildProcess = spawn(program, [], {
    env: { ...process.env, GATEWAY_PORT: String(port), BIND_HOST: '127.0.0.1', IOT_MTLS_ENABLED: '0' },
    stdio: 'ignore',
  });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const url = `http://127.0.0.1:${port}`;
  const stop = async () => {
    child.kill('SIGTERM');
    await ended;
  };
  for (let second = 0; second < READY_SECONDS * 4; second += 1) {
    if (await answers(url)) return { url, stop };
    await sleep(250);
  }
  await stop();
  throw new Error(`${program} did not answer on ${url} within ${READY_SECONDS} s`);
};
