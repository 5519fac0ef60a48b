import { rm } from 'node:fs/promises';
import { CommandError, EXIT, type Io } from '../cli/index.ts';
import type { LocalOptions } from './commands.ts';
import { cloudDirectory } from './paths.ts';
import { isAlive } from './process/lock.ts';
import { isServing, type KnownCloud, listClouds, readCloud } from './state-file.ts';

const POLITE_MS = 20_000;
const POLL_MS = 100;
/** Longer than the reaper takes to end what a killed cloud leaves behind. */
const REAPER_MS = 3_000;

const sleep = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds));

const awaitEnd = async (pid: number): Promise<boolean> => {
  const deadline = Date.now() + POLITE_MS;
  while (isAlive(pid) && Date.now() < deadline) await sleep(POLL_MS);
  return !isAlive(pid);
};

const end = async ({ name, pid }: KnownCloud, io: Io): Promise<void> => {
  if (pid !== undefined && !(await isServing(pid))) {
    throw new CommandError(EXIT.conflict, {
      what: `embedded cloud ${name} belongs to a program in the foreground`,
      got: `process ${pid}`,
      remedy: 'end that program, e.g. with Ctrl-C',
    });
  }
  if (pid !== undefined) {
    process.kill(pid, 'SIGTERM');
    if (!(await awaitEnd(pid))) {
      process.kill(pid, 'SIGKILL');
      await sleep(REAPER_MS);
    }
  }
  await rm(cloudDirectory(name), { recursive: true, force: true });
  await rm(`${cloudDirectory(name)}.log`, { force: true });
  io.out.write(pid === undefined ? `Embedded cloud ${name} is not running\n` : `Embedded cloud ${name} is gone\n`);
};

/** `carrierarr local down` */
export const down = async (options: LocalOptions & { readonly all?: boolean }, io: Io): Promise<void> => {
  const clouds = options.all === true ? await listClouds() : [await readCloud(options.name)];
  if (clouds.length === 0) io.out.write('There is no embedded cloud\n');
  for (const cloud of clouds) await end(cloud, io);
};
