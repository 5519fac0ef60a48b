import { spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { freePort } from '../../../local/process/free-port.ts';
import { until } from '../../support/eventually.ts';
import { FakeControlPlane } from './support/a-control-plane.ts';

const MAIN = new URL('../../../agent/worker/main.ts', import.meta.url).pathname;
const TOKEN = 'header.payload.signature-that-nobody-shows';

const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

const started = (environment: NodeJS.ProcessEnv, argv: readonly string[] = []) => {
  const child = spawn(process.execPath, [MAIN, ...argv], { env: { PATH: process.env.PATH, ...environment } });
  cleanUps.push(() => child.kill('SIGKILL'));
  let said = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => (said += text));
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  return { child, ended, said: () => said };
};

/** A folder with a token, and a systemd-notify that writes down what it is told. */
const aMachine = () => {
  const folder = mkdtempSync(join(tmpdir(), 'agent-main-'));
  cleanUps.push(() => rmSync(folder, { recursive: true, force: true }));
  writeFileSync(join(folder, 'token'), `${TOKEN}\n`);
  writeFileSync(join(folder, 'systemd-notify'), `#!/bin/sh\necho "$*" >> ${folder}/told\n`);
  chmodSync(join(folder, 'systemd-notify'), 0o755);
  const told = (): string => (existsSync(join(folder, 'told')) ? readFileSync(join(folder, 'told'), 'utf8') : '');
  return { folder, told };
};

describe('the program', () => {
  it('lives and ends as systemd wants it to, and keeps its token to itself', async () => {
    const plane = await new FakeControlPlane().listen();
    cleanUps.push(() => plane.close());
    const { folder, told } = aMachine();
    const { child, ended, said } = started({
      PATH: `${folder}:${process.env.PATH}`,
      CONTROL_PLANE_ADDR: `127.0.0.1:${plane.port}`,
      NEBULA_IP: '127.0.0.1',
      WORKER_AGENT_HEALTH_PORT: String(await freePort()),
      WORKER_AGENT_TOKEN_FILE: join(folder, 'token'),
      WORKER_AGENT_LOG: 'debug',
      CARRIERARR_IMDS: 'http://127.0.0.1:1',
      NOTIFY_SOCKET: '/run/systemd/notify',
      WATCHDOG_USEC: '60000000',
    });
    await until('a status', () => plane.statuses.length > 0);
    await until('its state', () => told().includes('connected to'));

    child.kill('SIGTERM');

    expect(await ended).toBe(0);
    // In order means within its own limit, which is half of what systemd gives it.
    expect(said()).toMatch(/"event":"stopped".*"inOrder":true/);
    expect(plane.authorizations).toContain(`Bearer ${TOKEN}`);
    expect(plane.words).toEqual(['the agent ends']);
    expect(told()).toMatch(/^READY=1$/m);
    expect(told()).toMatch(/^WATCHDOG=1$/m);
    expect(told()).toMatch(/^STATUS=connected to 127\.0\.0\.1:\d+$/m);
    expect(told()).toMatch(/^STOPPING=1$/m);
    expect(said() + told()).not.toMatch(/signature-that-nobody-shows/);
  });

  it('that is told nonsense says all of it in one line, and ends', async () => {
    const { ended, said } = started({ NODE_TYPE: 'gpu', NEBULA_IP: 'x' });

    expect(await ended).toBe(1);
    expect(JSON.parse(said())).toMatchObject({
      level: 'error',
      event: 'unusable',
      reason: expect.stringMatching(/CONTROL_PLANE_ADDR.*NODE_TYPE.*NEBULA_IP/),
    });
  });
});
