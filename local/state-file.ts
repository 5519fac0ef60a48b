import { execFile } from 'node:child_process';
import { readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import * as z from 'zod';
import type { Cloud } from './cloud.ts';
import { cloudDirectory, stateDirectory } from './paths.ts';
import { ownerOf } from './site.ts';

const exec = promisify(execFile);

/** What a running cloud leaves for the commands that look at it. */
const CloudState = z.object({
  name: z.string(),
  pid: z.number().int(),
  endpoint: z.string(),
  region: z.string(),
  fleet: z.string(),
  page: z.string().optional(),
  nodes: z.object({ kind: z.string(), reason: z.string() }),
  environment: z.record(z.string(), z.string()),
  startedAt: z.string(),
});
export type CloudState = z.infer<typeof CloudState>;

const stateFile = (directory: string): string => join(directory, 'state.json');

export const writeState = async (cloud: Cloud): Promise<CloudState> => {
  const { name, endpoint, region, fleet, page, nodes, environment, directory } = cloud;
  const startedAt = new Date().toISOString();
  const place = { name, pid: process.pid, endpoint, region, fleet, nodes, environment: { ...environment }, startedAt };
  const state = { ...place, ...(page !== undefined && { page }) };
  const draft = `${stateFile(directory)}.new`;
  await writeFile(draft, JSON.stringify(state, undefined, 2));
  await rename(draft, stateFile(directory));
  return state;
};

export interface KnownCloud {
  readonly name: string;
  /** The process that runs it; undefined: only its logs are left. */
  readonly pid: number | undefined;
  /** Absent until it is up. */
  readonly state: CloudState | undefined;
}

export const readCloud = async (name: string): Promise<KnownCloud> => {
  const directory = cloudDirectory(name);
  const pid = await ownerOf(directory);
  if (pid === undefined) return { name, pid, state: undefined };
  const text = await readFile(stateFile(directory), 'utf8').catch(() => undefined);
  const state = text === undefined ? undefined : CloudState.parse(JSON.parse(text));
  return { name, pid, state };
};

/** Every cloud of this clone that has left a directory. */
export const listClouds = async (): Promise<KnownCloud[]> => {
  const entries = await readdir(join(stateDirectory(), 'clouds'), { withFileTypes: true }).catch(() => []);
  const names = entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
  return await Promise.all(names.sort().map(readCloud));
};

/** Whether a process is a cloud of ours that runs in the background: process ids are used again. */
export const isServing = async (pid: number): Promise<boolean> => {
  try {
    const { stdout } = await exec('ps', ['-o', 'args=', '-p', String(pid)]);
    return stdout.includes('local serve');
  } catch {
    return false;
  }
};
