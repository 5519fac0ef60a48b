import type { DatabaseSync } from 'node:sqlite';
import { type Log, reasonOf } from '../../shared/log.ts';
import type { NodeRecord } from '../fleet/node.ts';
import { NodeState } from '../views.ts';
import { inTransaction } from './schema.ts';

/** A thousand agents speak sixty times a second; a crash may cost so much of what they said. */
const FLUSH_MILLISECONDS = 2000;

/** Where the store learns what a node is by the time it writes. */
type Lookup = (id: string) => NodeRecord | undefined;

/** Keeps the fleet on disk: collects what has changed and writes each node once a batch. */
export class NodeStore {
  readonly #database: DatabaseSync;
  readonly #lookup: Lookup;
  readonly #log: Log;
  readonly #changed = new Set<string>();
  #timer: NodeJS.Timeout | undefined;
  #failing = false;

  constructor(database: DatabaseSync, lookup: Lookup, log: Log) {
    this.#database = database;
    this.#lookup = lookup;
    this.#log = log;
  }

  /** What an earlier process knew; a record that this version cannot read is left out, and says so. */
  load(): NodeRecord[] {
    const records: NodeRecord[] = [];
    for (const { id, record } of this.#database.prepare('SELECT id, record FROM nodes').all()) {
      const parsed = parseRecord(String(record));
      if (parsed === undefined) this.#log('error', 'record unreadable', { node: String(id) });
      else records.push(parsed);
    }
    return records;
  }

  /** The node has changed or is gone: it is written with the next batch. */
  changed(id: string): void {
    this.#changed.add(id);
    this.#timer ??= setTimeout(() => this.flush(), FLUSH_MILLISECONDS).unref();
  }

  /** Writes the batch now. A disk that is full stops nothing: the batch stays, and is tried again. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#changed.size === 0) return;
    try {
      inTransaction(this.#database, () => this.#write());
      this.#changed.clear();
      if (this.#failing) this.#log('info', 'state is kept again');
      this.#failing = false;
    } catch (error) {
      if (!this.#failing) this.#log('error', 'state is not kept', { reason: reasonOf(error) });
      this.#failing = true;
      this.#timer = setTimeout(() => this.flush(), FLUSH_MILLISECONDS).unref();
    }
  }

  /** Whether the last batch could be written. */
  get healthy(): boolean {
    return !this.#failing;
  }

  #write(): void {
    const put = this.#database.prepare(
      'INSERT INTO nodes (id, record) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET record = excluded.record',
    );
    const remove = this.#database.prepare('DELETE FROM nodes WHERE id = ?');
    for (const id of this.#changed) {
      const record = this.#lookup(id);
      if (record === undefined) remove.run(id);
      else put.run(id, JSON.stringify(record));
    }
  }

  /** Writes what is left; the database stays open. */
  close(): void {
    this.flush();
    clearTimeout(this.#timer);
  }
}

/** The program wrote it, so a look at what everything hangs on is enough. */
const parseRecord = (text: string): NodeRecord | undefined => {
  try {
    const value: unknown = JSON.parse(text);
    return isRecord(value) ? value : undefined;
  } catch {
    return undefined;
  }
};

const isRecord = (value: unknown): value is NodeRecord =>
  typeof value === 'object' &&
  value !== null &&
  'id' in value &&
  typeof value.id === 'string' &&
  'lastSeen' in value &&
  typeof value.lastSeen === 'number' &&
  'state' in value &&
  NodeState.safeParse(value.state).success;
