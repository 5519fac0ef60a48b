import { spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

export interface Program {
  /** Path, resolved. */
  readonly path: string;
  /** `nebula-cert 1.6.1`, for names of tests. */
  readonly label: string;
}

const isExecutable = (path: string): boolean => {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
};

const onPath = (name: string): string | undefined =>
  (process.env.PATH ?? '')
    .split(delimiter)
    .map((directory) => join(directory, name))
    .find(isExecutable);

const versionOf = (path: string): string => {
  const { stdout, stderr } = spawnSync(path, ['-version'], { encoding: 'utf8' });
  return /[0-9]+(\.[0-9]+)+/.exec(stdout + stderr)?.[0] ?? 'of unknown version';
};

/** The program on PATH and the one an environment variable names, so that two versions can be tested in one run. */
const programs = (name: string, variable: string): Program[] => {
  const paths = [process.env[variable], onPath(name)].filter((path) => path !== undefined && isExecutable(path));
  return [...new Set(paths as string[])].map((path) => ({ path, label: `${name} ${versionOf(path)} (${path})` }));
};

export const nebulaCertPrograms = programs('nebula-cert', 'NEBULA_CERT_BIN');
export const nebulaPrograms = programs('nebula', 'NEBULA_BIN');

/** Says on the terminal why a suite does not run: a silent skip looks like a pass. */
export const skipLoudly = (suite: string, reason: string | undefined): boolean => {
  if (reason !== undefined) console.warn(`SKIPPED ${suite}: ${reason}`);
  return reason !== undefined;
};

export const without = (list: readonly Program[], name: string, variable: string): string | undefined =>
  list.length > 0 ? undefined : `no ${name} on PATH and none named by ${variable}`;
