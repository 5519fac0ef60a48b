import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { installMinistack } from '../../../local/ministack/install.ts';
import { findPython } from '../../../local/ministack/python.ts';
import { Supervisor } from '../../../local/process/supervisor.ts';
import { eventually } from '../../support/eventually.ts';

let directory: string;
let supervisor: Supervisor;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'carrierarr-install-'));
  supervisor = new Supervisor();
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await supervisor.stop();
  rmSync(directory, { recursive: true });
});

/** A Python that answers for its version and does as told when it is asked for an environment or an installation. */
const fakePython = (behaviour: { version?: string; venv?: string; pip?: string }): string => {
  const path = join(directory, 'python');
  const { version = '3.11.7', venv = 'mkdir -p "$3/bin"', pip = ':' } = behaviour;
  writeFileSync(
    path,
    `#!/bin/bash
case "$1 $2" in
  '-c '*) echo ${version} ;;
  '-m venv') [ "$3" = --without-pip ] && shift; echo venv >>${directory}/asked; ${venv} ;;
  '-m pip') [ "$3" = --version ] && { echo 'pip 23.2 from here'; exit; }; echo pip >>${directory}/asked; ${pip} ;;
esac
`,
  );
  chmodSync(path, 0o755);
  vi.stubEnv('CARRIERARR_PYTHON', path);
  return path;
};

const install = (signal?: AbortSignal) =>
  installMinistack({ directory: join(directory, 'state'), supervisor, logFile: join(directory, 'log'), signal });

const asked = (): string[] => readFileSync(join(directory, 'asked'), 'utf8').trim().split('\n');

describe('the Python environment', () => {
  it('is made once and found again by later runs', async () => {
    fakePython({});

    const first = await install();
    const second = await install();

    expect(first).toMatchObject({ fresh: true, version: '1.5.33' });
    expect(second).toEqual({ ...first, fresh: false });
    expect(asked()).toEqual(['venv', 'pip']);
  });

  it('is made once by several first runs at the same time', async () => {
    fakePython({ venv: 'sleep 0.2; mkdir -p "$3/bin"' });

    const installed = await Promise.all([install(), install(), install()]);

    expect(installed.filter(({ fresh }) => fresh)).toHaveLength(1);
    expect(asked()).toEqual(['venv', 'pip']);
  });

  it('is not there at all when the installation fails, and the next run starts afresh', async () => {
    fakePython({ pip: 'echo "Could not find a version: NewConnectionError" >&2; exit 1' });
    await expect(install()).rejects.toMatchObject({
      name: 'ConfigurationError',
      what: expect.stringContaining('could not be downloaded'),
      remedy: expect.stringContaining('PIP_INDEX_URL'),
    });
    expect(readdirSync(join(directory, 'state'))).toEqual([]);

    fakePython({});
    expect(await install()).toMatchObject({ fresh: true });
  });

  it('says how to get venv where it is missing', async () => {
    fakePython({ venv: 'echo "ensurepip is not available. apt install python3-venv" >&2; exit 1' });

    await expect(install()).rejects.toMatchObject({ remedy: expect.stringContaining('python3-venv') });
  });

  it('leaves nothing behind when the run is interrupted in the middle', async () => {
    fakePython({ pip: `touch ${directory}/pip-runs; sleep 60` });
    const abort = new AbortController();
    const run = install(abort.signal);
    await eventually(() => expect(existsSync(join(directory, 'pip-runs'))).toBe(true));

    abort.abort(new Error('interrupted'));

    await expect(run).rejects.toThrow('interrupted');
    expect(readdirSync(join(directory, 'state'))).toEqual([]);
  });
});

describe('findPython', () => {
  it.each(['2.7.18', '3.9.6'])('does not take Python %s, and says what would do', async (version) => {
    const path = fakePython({ version });

    await expect(findPython()).rejects.toMatchObject({
      name: 'ConfigurationError',
      got: `${path} ${version}`,
      allowed: expect.stringContaining('3.10'),
    });
  });

  it('says that there is none', async () => {
    await expect(findPython({ CARRIERARR_PYTHON: '/nonexistent/python' })).rejects.toMatchObject({
      got: 'none of /nonexistent/python',
      remedy: expect.stringContaining('install'),
    });
  });
});

describe('requirements.txt', () => {
  it('pins every package to one version', () => {
    const file = join(import.meta.dirname, '../../../local/ministack/requirements.txt');
    const lines = readFileSync(file, 'utf8')
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'));

    expect(lines).toEqual(expect.arrayContaining(['ministack==1.5.33', expect.stringMatching(/^cryptography==/)]));
    expect(lines.filter((line) => !/^[A-Za-z0-9-]+==[0-9][0-9a-z.]*$/.test(line))).toEqual([]);
  });

  it('is of the version that the repairs in the launcher are written for', () => {
    const launcher = readFileSync(join(import.meta.dirname, '../../../local/ministack/launcher.py'), 'utf8');

    expect(launcher).toContain('EXPECTED_VERSION = "1.5.33"');
  });
});
