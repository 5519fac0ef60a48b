import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { ConfigurationError } from '#shared/errors.ts';

const exec = promisify(execFile);

export interface Python {
  readonly command: string;
  /** E.g. `3.11.7`. */
  readonly version: string;
}

const CANDIDATES = ['python3', 'python3.14', 'python3.13', 'python3.12', 'python3.11', 'python3.10', 'python'];
const MINIMUM = [3, 10] as const;
/** `pip --python` came with 22.3. */
const MINIMUM_PIP = 22.3;

const versionOf = async (command: string): Promise<string | undefined> => {
  try {
    const { stdout } = await exec(command, ['-c', 'import sys; print("%d.%d.%d" % sys.version_info[:3])']);
    return stdout.trim();
  } catch {
    return undefined;
  }
};

/** Whether an interpreter brings a pip that can install into another environment. */
export const hasPip = async ({ command }: Python): Promise<boolean> => {
  try {
    const { stdout } = await exec(command, ['-m', 'pip', '--version']);
    return Number.parseFloat(stdout.split(' ')[1] ?? '0') >= MINIMUM_PIP;
  } catch {
    return false;
  }
};

const isRecent = (version: string): boolean => {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major > MINIMUM[0] || (major === MINIMUM[0] && minor >= MINIMUM[1]);
};

/**
 * Finds an interpreter that the emulator runs on: the one CARRIERARR_PYTHON names, else the first recent one on PATH.
 * @throws ConfigurationError when there is none
 */
export const findPython = async (environment: NodeJS.ProcessEnv = process.env): Promise<Python> => {
  const asked = environment.CARRIERARR_PYTHON;
  const seen: string[] = [];
  for (const command of asked === undefined ? CANDIDATES : [asked]) {
    const version = await versionOf(command);
    if (version === undefined) continue;
    if (isRecent(version)) return { command, version };
    seen.push(`${command} ${version}`);
  }
  throw new ConfigurationError({
    what: 'the embedded cloud needs Python, since the emulator behind it is written in it',
    got: seen.length > 0 ? seen.join(', ') : `none of ${(asked === undefined ? CANDIDATES : [asked]).join(', ')}`,
    allowed: `Python ${MINIMUM.join('.')} or later on PATH, or its path in CARRIERARR_PYTHON`,
    remedy: 'install it, e.g. `apt-get install python3 python3-venv` or `brew install python`',
  });
};
