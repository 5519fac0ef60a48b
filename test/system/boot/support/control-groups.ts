import { existsSync, readdirSync } from 'node:fs';
import { rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const HIERARCHIES = ['/sys/fs/cgroup/systemd', '/sys/fs/cgroup/unified', '/sys/fs/cgroup'];
/** A machine's name holds the process id of its test. */
const MACHINE = /^cb(\d+)-\d+$/;

const isAlive = (pid: number): boolean => existsSync(`/proc/${pid}`);

const removeGroup = async (folder: string): Promise<void> => {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (entry.isDirectory()) await removeGroup(join(folder, entry.name));
  }
  // One cannot be removed while processes in it are on their way out.
  for (let attempt = 1; attempt <= 20; attempt += 1) {
    const removed = await rmdir(folder)
      .then(() => true)
      .catch(() => false);
    if (removed) return;
    await sleep(50);
  }
};

/** Removes control groups of machines of this process and of tests that were killed: all else goes by itself. */
export const removeControlGroups = async (): Promise<void> => {
  for (const hierarchy of HIERARCHIES.filter(existsSync)) {
    for (const name of readdirSync(hierarchy)) {
      const pid = Number(MACHINE.exec(name)?.[1]);
      if (pid === process.pid || (pid > 0 && !isAlive(pid))) await removeGroup(join(hierarchy, name));
    }
  }
};
