import { watch } from 'node:fs';
import { mkdir, readFile, rename, statfs, writeFile } from 'node:fs/promises';
import { hostname, networkInterfaces } from 'node:os';
import { dirname } from 'node:path';
import type { System } from '../ports.ts';
import { ask } from './ask.ts';
import { runProgram } from './run-program.ts';

const MEBIBYTE = 1024 * 1024;

const readText = async (path: string): Promise<string | undefined> => {
  try {
    return await readFile(path, 'utf8');
  } catch {
    return undefined;
  }
};

/** Readers see the old text or the new one, never a part. */
const writeText = async (path: string, text: string): Promise<boolean> => {
  try {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(`${path}.new`, text, { mode: 0o600 });
    await rename(`${path}.new`, path);
    return true;
  } catch {
    return false;
  }
};

const diskMegabytes = async (path: string): Promise<{ used: number; total: number } | undefined> => {
  try {
    const { bsize, blocks, bfree } = await statfs(path);
    const megabytes = (count: number): number => Math.round((count * bsize) / MEBIBYTE);
    return { used: megabytes(blocks - bfree), total: megabytes(blocks) };
  } catch {
    return undefined;
  }
};

const watchFolder = (folder: string, changed: (name: string) => void): (() => void) => {
  try {
    const watcher = watch(folder, { persistent: false }, (_, name) => changed(name ?? ''));
    watcher.on('error', () => watcher.close());
    return () => watcher.close();
  } catch {
    return () => {};
  }
};

/** The machine that the agent runs on. */
export const thisSystem: System = {
  run: runProgram,
  ask,
  readText,
  writeText,
  diskMegabytes,
  watch: watchFolder,
  hostname,
  addressOf: (device) => networkInterfaces()[device]?.find(({ family }) => family === 'IPv4')?.address,
};
