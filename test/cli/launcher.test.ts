import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const LAUNCHER = resolve('bin/carrierarr');
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'carrierarr-launcher-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

describe('bin/carrierarr', () => {
  it('runs from anywhere and through a link, with no Node on PATH', () => {
    symlinkSync(LAUNCHER, join(folder, 'carrierarr'));

    const version = execFileSync(join(folder, 'carrierarr'), ['--version'], {
      cwd: folder,
      env: { PATH: '/usr/bin:/bin' },
      encoding: 'utf8',
    });

    expect(version).toMatch(/^\d+\.\d+\.\d+\n$/);
  });

  it('says so when the dependencies are not installed', () => {
    mkdirSync(join(folder, 'bin'));
    cpSync(LAUNCHER, join(folder, 'bin/carrierarr'));

    const { status, stderr } = spawnSync(join(folder, 'bin/carrierarr'), ['--help'], { encoding: 'utf8' });

    expect(status).toBe(5);
    expect(stderr).toMatch(/dependencies are not installed[\s\S]*npm ci/);
  });

  it('says so when no Node can be found that runs TypeScript', () => {
    for (const part of ['bin', 'node_modules/commander', 'path']) mkdirSync(join(folder, part), { recursive: true });
    cpSync(LAUNCHER, join(folder, 'bin/carrierarr'));
    const old = '#!/bin/sh\n[ "$1" = --version ] && echo v18.20.0\nexit 1\n';
    writeFileSync(join(folder, 'path/node'), old, { mode: 0o755 });

    const { status, stderr } = spawnSync(join(folder, 'bin/carrierarr'), [], {
      env: { PATH: `${join(folder, 'path')}:/usr/bin:/bin` },
      encoding: 'utf8',
    });

    expect(status).toBe(5);
    expect(stderr).toMatch(/Node v18\.20\.0 cannot run TypeScript[\s\S]*npm ci/);
  });

  it('ends without a word where nobody reads any more', async () => {
    const child = spawn(LAUNCHER, ['--help'], { env: { PATH: '/usr/bin:/bin' } });
    let complaint = '';
    child.stderr.on('data', (chunk) => (complaint += String(chunk)));
    child.stdout.destroy();

    const code = await new Promise<number | null>((resolve) => child.once('close', resolve));

    expect(code).toBe(141);
    expect(complaint).toBe('');
  });

  it('ends with 130 on Ctrl-C while AWS does not answer', async () => {
    const silent = createServer();
    await new Promise<void>((done) => silent.listen(0, '127.0.0.1', done));
    const { port } = silent.address() as AddressInfo;
    const environment = { AWS_ACCESS_KEY_ID: 'x', AWS_SECRET_ACCESS_KEY: 'x', AWS_REGION: 'us-west-2' };
    const child = spawn(LAUNCHER, ['status'], {
      env: { PATH: '/usr/bin:/bin', AWS_ENDPOINT_URL: `http://127.0.0.1:${port}`, ...environment },
    });
    silent.on('connection', (socket) => {
      // Read, so that its end is seen.
      socket.resume();
      child.kill('SIGINT');
    });
    let errors = '';
    child.stderr.on('data', (chunk) => {
      errors += chunk;
    });

    const code = await new Promise((done) => child.on('close', done));

    expect(code).toBe(130);
    expect(errors).toContain('interrupted');
    await new Promise((done) => silent.close(done));
  });

  it('hands on the exit code', () => {
    expect(spawnSync(LAUNCHER, ['nonsense']).status).toBe(2);
  });
});
