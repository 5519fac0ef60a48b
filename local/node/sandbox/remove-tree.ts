import { chmod, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';

const openUp = async (directory: string): Promise<void> => {
  await chmod(directory, 0o700);
  for (const entry of await readdir(directory, { withFileTypes: true })) {
    if (entry.isDirectory()) await openUp(join(directory, entry.name));
  }
};

/**
 * Removes a directory that a node wrote into. An overlay's work directory and a node's programs leave folders that
 * even their owner may not read; symbolic links are removed, never followed.
 */
export const removeTree = async (directory: string): Promise<void> => {
  try {
    await rm(directory, { recursive: true, force: true });
  } catch {
    await openUp(directory);
    await rm(directory, { recursive: true, force: true });
  }
};
