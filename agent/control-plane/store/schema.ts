import type { DatabaseSync } from 'node:sqlite';
import { ConfigurationError } from '#shared/errors.ts';

/** Each step leads from the version of its index to the next; steps are added, and never changed. */
const STEPS: readonly string[] = [
  `CREATE TABLE nodes (id TEXT PRIMARY KEY, record TEXT NOT NULL) STRICT, WITHOUT ROWID;
   CREATE TABLE commands (
     command_id TEXT NOT NULL, node_id TEXT NOT NULL, type TEXT NOT NULL, args TEXT NOT NULL,
     timeout_seconds INTEGER NOT NULL, state TEXT NOT NULL, accepted_at INTEGER NOT NULL, expires_at INTEGER NOT NULL,
     PRIMARY KEY (command_id, node_id)) STRICT, WITHOUT ROWID;
   CREATE INDEX open_commands ON commands (state) WHERE state IN ('queued', 'delivered');
   CREATE TABLE audit (
     id INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, event TEXT NOT NULL, command_id TEXT NOT NULL,
     node_id TEXT NOT NULL, type TEXT NOT NULL, source TEXT NOT NULL, detail TEXT NOT NULL) STRICT;
   CREATE INDEX audit_by_time ON audit (at);
   CREATE INDEX audit_by_command ON audit (command_id);`,
];

const versionOf = (database: DatabaseSync): number =>
  Number(database.prepare('PRAGMA user_version').get()?.user_version ?? 0);

/** Runs all of it or nothing. */
export const inTransaction = (database: DatabaseSync, work: () => void): void => {
  database.exec('BEGIN IMMEDIATE');
  try {
    work();
    database.exec('COMMIT');
  } catch (error) {
    // A full disk may have ended the transaction already.
    if (database.isTransaction) database.exec('ROLLBACK');
    throw error;
  }
};

/**
 * Brings a file to the version that this program knows.
 *
 * @throws ConfigurationError when a later version has written it
 */
export const migrate = (database: DatabaseSync): void => {
  const version = versionOf(database);
  if (version > STEPS.length)
    throw new ConfigurationError({
      what: 'the state was written by a later version of the control plane',
      got: `schema ${version}`,
      allowed: `schema ${STEPS.length} or earlier`,
      remedy: 'run that version again, or move the file of the data directory aside',
    });
  if (version === STEPS.length) return;
  inTransaction(database, () => {
    for (const step of STEPS.slice(version)) database.exec(step);
    database.exec(`PRAGMA user_version = ${STEPS.length}`);
  });
};
