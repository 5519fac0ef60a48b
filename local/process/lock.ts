import { open, readFile, rename, rm } from 'node:fs/promises';

const POLL_MS = 200;

const isCode = (error: unknown, code: string): boolean =>
  error instanceof Error && 'code' in error && error.code === code;

/** Whether a process is there, even if it is somebody else's. */
export const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return isCode(error, 'EPERM');
  }
};

const tryTake = async (path: string): Promise<boolean> => {
  try {
    const file = await open(path, 'wx');
    await file.writeFile(String(process.pid));
    await file.close();
    return true;
  } catch (error) {
    if (isCode(error, 'EEXIST')) return false;
    throw error;
  }
};

/** Takes the lock file of a dead owner away; of several who try, one succeeds. */
const breakStale = async (path: string): Promise<void> => {
  const owner = Number(await readFile(path, 'utf8').catch(() => ''));
  if (!Number.isInteger(owner) || owner <= 0 || isAlive(owner)) return;
  const aside = `${path}.${process.pid}`;
  await rename(path, aside).catch(() => undefined);
  await rm(aside, { force: true });
};

/**
 * Runs `work` while holding a lock file. Waits for another holder; one that is dead does not count.
 * @throws the signal's reason, if it is aborted while waiting
 */
export const withLock = async <T>(path: string, work: () => Promise<T>, signal?: AbortSignal): Promise<T> => {
  while (!(await tryTake(path))) {
    signal?.throwIfAborted();
    await breakStale(path);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  try {
    return await work();
  } finally {
    await rm(path, { force: true });
  }
};
