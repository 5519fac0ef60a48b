import { existsSync, mkdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { ConfigurationError } from '#shared/errors.ts';
import { type Log, reasonOf } from '../../shared/log.ts';
import { migrate } from './schema.ts';

const FILE = 'control-plane.sqlite';
/** SQLITE_CORRUPT and SQLITE_NOTADB, without their extensions. */
const BROKEN = new Set([11, 26]);

class UnsoundFile extends Error {}

const isBroken = (error: unknown): boolean =>
  error instanceof UnsoundFile ||
  (error instanceof Error &&
    'errcode' in error &&
    typeof error.errcode === 'number' &&
    BROKEN.has(error.errcode & 0xff));

/** Write-ahead log: a crash loses the last moments and breaks nothing. */
const openFile = (path: string): DatabaseSync => {
  const database = new DatabaseSync(path, { timeout: 5000 });
  try {
    database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON');
    const [row] = database.prepare('PRAGMA quick_check(1)').all();
    const verdict = row === undefined ? 'nothing' : String(Object.values(row)[0]);
    if (verdict !== 'ok') throw new UnsoundFile(verdict);
    migrate(database);
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
};

/** Kept for whoever wants to look into it: the fleet registers again by itself, the audit does not. */
const moveAside = (path: string, now: Date): string => {
  const aside = `${path}.corrupt-${now.toISOString().replaceAll(':', '')}`;
  for (const suffix of ['', '-wal', '-shm']) if (existsSync(path + suffix)) renameSync(path + suffix, aside + suffix);
  return aside;
};

const unusable = (directory: string, error: unknown): ConfigurationError =>
  new ConfigurationError({
    what: `the state cannot be kept in ${directory}: ${reasonOf(error)}`,
    got: directory,
    allowed: 'a directory on a local disk that the control plane may write to',
    remedy: 'free space there, mount a volume that belongs to the user of the control plane, or set --data-dir',
    cause: error,
  });

/**
 * Opens the state; what is no database any more is moved aside, because a fleet that registers anew is worth more than
 * a control plane that does not start.
 *
 * @throws ConfigurationError when the directory is not usable, or a later version has written the file
 */
export const openDatabase = (directory: string, log: Log, now: () => Date): DatabaseSync => {
  if (directory === ':memory:') return openFile(directory);
  const path = join(directory, FILE);
  try {
    // Not recursive: a missing parent is a mistake, and on some file systems making parents never ends.
    if (!existsSync(directory)) mkdirSync(directory, { mode: 0o700 });
    return openFile(path);
  } catch (error) {
    if (error instanceof ConfigurationError) throw error;
    if (!isBroken(error)) throw unusable(directory, error);
    const aside = moveAside(path, now());
    log('error', 'state was corrupt', { reason: reasonOf(error), movedTo: aside });
    return openFile(path);
  }
};
