import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
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

  it('hands on the exit code', () => {
    expect(spawnSync(LAUNCHER, ['nonsense']).status).toBe(2);
  });
});
