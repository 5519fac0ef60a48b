import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rename, rm } from 'node:fs/promises';
import { arch, platform } from 'node:os';
import { join } from 'node:path';
import { ConfigurationError } from '#shared/errors.ts';
import { inheritedEnvironment } from '../process/environment.ts';
import { withLock } from '../process/lock.ts';
import { logTail, type Program, type Supervisor } from '../process/supervisor.ts';
import { findPython, hasPip, type Python } from './python.ts';

export interface InstallOptions {
  /** Parent of the environment; it is kept for later runs. */
  readonly directory: string;
  readonly supervisor: Supervisor;
  readonly logFile: string;
  readonly signal?: AbortSignal | undefined;
}

export interface Installation {
  /** Interpreter of the environment. */
  readonly python: string;
  readonly version: string;
  /** False when an earlier run had made it. */
  readonly fresh: boolean;
}

const REQUIREMENTS = join(import.meta.dirname, 'requirements.txt');

const remedyFor = (log: string): { what: string; remedy: string } => {
  if (/ensurepip|No module named venv|python3-venv/.test(log)) {
    return {
      what: 'this Python cannot make virtual environments',
      remedy:
        'install the missing part, e.g. `apt-get install python3-venv`, or name another Python in CARRIERARR_PYTHON',
    };
  }
  if (
    /NewConnectionError|Temporary failure in name resolution|Max retries|ConnectTimeout|No matching distribution/.test(
      log,
    )
  ) {
    return {
      what: 'the emulator could not be downloaded from PyPI',
      remedy:
        "check the network and pip's settings (PIP_INDEX_URL, PIP_PROXY, PIP_CERT); once installed, no network is needed",
    };
  }
  return {
    what: 'the emulator could not be installed',
    remedy: 'read the log, and remove the directory .carrierarr to start afresh',
  };
};

const steps = async (python: Python, target: string): Promise<{ name: string; command: string; args: string[] }[]> => {
  const inside = join(target, 'bin', 'python');
  const install = ['install', '--no-input', '--no-deps', '--no-compile', '--quiet', '--requirement', REQUIREMENTS];
  // With a pip at hand there is no need to unpack another one into the environment, which takes seconds.
  if (await hasPip(python)) {
    return [
      { name: 'python -m venv', command: python.command, args: ['-m', 'venv', '--without-pip', target] },
      { name: 'pip install', command: python.command, args: ['-m', 'pip', '--python', inside, ...install] },
    ];
  }
  return [
    { name: 'python -m venv', command: python.command, args: ['-m', 'venv', target] },
    { name: 'pip install', command: inside, args: ['-m', 'pip', ...install] },
  ];
};

const build = async (python: Python, target: string, options: InstallOptions): Promise<void> => {
  const scratch = `${target}.${process.pid}.tmp`;
  try {
    for (const { name, command, args } of await steps(python, scratch)) {
      const program: Program = {
        name,
        command,
        args,
        env: inheritedEnvironment({ PIP_DISABLE_PIP_VERSION_CHECK: '1' }),
        cwd: options.directory,
        logFile: options.logFile,
      };
      await options.supervisor.run(program, options.signal);
    }
    // Only a complete environment ever has the final name; it is started with `python -m`, so it may be moved.
    await rename(scratch, target);
  } catch (error) {
    options.signal?.throwIfAborted();
    const log = await logTail(options.logFile);
    throw new ConfigurationError({ ...remedyFor(log), got: `\n${log}\n`, cause: error });
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
};

/** The emulator's version as pinned. */
export const pinnedVersion = (requirements: string): string =>
  /^ministack==(\S+)$/m.exec(requirements)?.[1] ?? 'unknown';

/**
 * Makes the Python environment of the emulator, or finds the one an earlier run made. Several may ask at once.
 * @throws ConfigurationError without Python, venv or network, each with its remedy
 */
export const installMinistack = async (options: InstallOptions): Promise<Installation> => {
  const python = await findPython();
  const requirements = await readFile(REQUIREMENTS, 'utf8');
  const version = pinnedVersion(requirements);
  const key = createHash('sha256')
    .update([requirements, python.command, python.version, platform(), arch()].join('\n'))
    .digest('hex')
    .slice(0, 8);
  const target = join(options.directory, `ministack-${version}-${key}.venv`);
  const installation = { python: join(target, 'bin', 'python'), version };
  if (existsSync(target)) return { ...installation, fresh: false };
  await mkdir(options.directory, { recursive: true });
  return await withLock(
    `${target}.lock`,
    async () => {
      if (existsSync(target)) return { ...installation, fresh: false };
      await build(python, target, options);
      return { ...installation, fresh: true };
    },
    options.signal,
  );
};
