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

const inForeground = ({ name, pid }: KnownCloud): CommandError =>
  new CommandError(EXIT.conflict, {
    what: `embedded cloud ${name} belongs to a program in the foreground`,
    got: `process ${pid}`,
    remedy: 'end that program, e.g. with Ctrl-C',
  });

const isForeground = async ({ pid }: KnownCloud): Promise<boolean> => pid !== undefined && !(await isServing(pid));

/** Politely; what does not listen is killed, and the reaper ends what it leaves behind. */
const endProcess = async (pid: number): Promise<void> => {
  process.kill(pid, 'SIGTERM');
  if (await awaitEnd(pid)) return;
  process.kill(pid, 'SIGKILL');
  await sleep(REAPER_MS);
};

const end = async ({ name, pid }: KnownCloud, io: Io): Promise<void> => {
  if (pid !== undefined) await endProcess(pid);
  await rm(cloudDirectory(name), { recursive: true, force: true });
  await rm(`${cloudDirectory(name)}.log`, { force: true });
  io.out.write(pid === undefined ? `Embedded cloud ${name} is not running\n` : `Embedded cloud ${name} is gone\n`);
};

/** `carrierarr local down`. `--all` leaves alone what belongs to a program in the foreground: a demo, a test. */
export const down = async (options: LocalOptions & { readonly all?: boolean }, io: Io): Promise<void> => {
  if (options.all !== true) {
    const cloud = await readCloud(options.name);
    if (await isForeground(cloud)) throw inForeground(cloud);
    await end(cloud, io);
    return;
  }
  const clouds = await listClouds();
  if (clouds.length === 0) io.out.write('There is no embedded cloud\n');
  for (const cloud of clouds) {
    if (await isForeground(cloud))
      io.out.write(`Embedded cloud ${cloud.name} belongs to process ${cloud.pid}, left alone\n`);
    else await end(cloud, io);
  }
};
