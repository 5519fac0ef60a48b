import type { DatabaseSync } from 'node:sqlite';
import type { AuditView } from '../views.ts';

/** A line of the audit before it has number and time. */
export type AuditEntry = Pick<AuditView, 'event' | 'command_id' | 'node_id' | 'type' | 'source' | 'detail'>;

/** Which lines somebody wants to see. */
export interface AuditQuery {
  readonly limit: number;
  /** Only lines before this number: the way to older pages. */
  readonly before?: number | undefined;
  readonly commandId?: string | undefined;
  readonly nodeId?: string | undefined;
}

const DAY = 86_400_000;
/** Above that the oldest go, however young. */
const MOST_LINES = 100_000;
/** Requests that never were commands cost their senders nothing: they must not push out what was done. */
const MOST_REFUSED = 10_000;
const MOST_REFUSED_A_MINUTE = 60;
const MINUTE = 60_000;
const MOST_DETAIL = 8192;

const text = (value: unknown): string => String(value ?? '');

/** Who was told to do what, and what came of it. Lines are written at once and never changed. */
export class Audit {
  readonly #database: DatabaseSync;
  readonly #now: () => Date;
  readonly #days: number;
  #refused = { since: Number.NEGATIVE_INFINITY, noted: 0, left: 0 };

  constructor(database: DatabaseSync, now: () => Date, days: number) {
    this.#database = database;
    this.#now = now;
    this.#days = days;
  }

  add(entry: AuditEntry): void {
    this.#database
      .prepare('INSERT INTO audit (at, event, command_id, node_id, type, source, detail) VALUES (?, ?, ?, ?, ?, ?, ?)')
      .run(
        this.#now().getTime(),
        entry.event,
        entry.command_id,
        entry.node_id,
        entry.type,
        entry.source,
        entry.detail.slice(0, MOST_DETAIL),
      );
  }

  /**
   * Notes a request that never became a command. Of a flood only so many a minute are noted, since whoever has no token
   * could fill the disk with them; the next line says how many were left out.
   */
  refuse(entry: Pick<AuditEntry, 'node_id' | 'type' | 'source' | 'detail'>): void {
    const now = this.#now().getTime();
    if (Math.abs(now - this.#refused.since) >= MINUTE) this.#refused = { ...this.#refused, since: now, noted: 0 };
    if (this.#refused.noted >= MOST_REFUSED_A_MINUTE) {
      this.#refused.left += 1;
      return;
    }
    const { left } = this.#refused;
    this.#refused.noted += 1;
    this.#refused.left = 0;
    const detail = left === 0 ? entry.detail : `${entry.detail} (before it ${left} more that were not noted)`;
    this.add({ ...entry, event: 'refused', command_id: '', detail });
  }

  /** Newest first. */
  list({ limit, before, commandId, nodeId }: AuditQuery): AuditView[] {
    const rows = this.#database
      .prepare(
        `SELECT * FROM audit WHERE id < ? AND (? IS NULL OR command_id = ?) AND (? IS NULL OR node_id = ?)
         ORDER BY id DESC LIMIT ?`,
      )
      .all(
        before ?? Number.MAX_SAFE_INTEGER,
        commandId ?? null,
        commandId ?? null,
        nodeId ?? null,
        nodeId ?? null,
        limit,
      );
    return rows.map((row) => ({
      id: Number(row.id),
      at: new Date(Number(row.at)).toISOString(),
      event: text(row.event) as AuditView['event'],
      command_id: text(row.command_id),
      node_id: text(row.node_id),
      type: text(row.type),
      source: text(row.source),
      detail: text(row.detail),
    }));
  }

  /** Takes away what is too old or too much; commands go with their lines. */
  prune(): void {
    const oldest = this.#now().getTime() - this.#days * DAY;
    this.#database.prepare('DELETE FROM audit WHERE at < ?').run(oldest);
    this.#database
      .prepare(
        `DELETE FROM audit WHERE command_id = '' AND event = 'refused' AND id <= (
           SELECT id FROM audit WHERE command_id = '' AND event = 'refused' ORDER BY id DESC LIMIT 1 OFFSET ?)`,
      )
      .run(MOST_REFUSED);
    this.#database
      .prepare('DELETE FROM audit WHERE id <= (SELECT id FROM audit ORDER BY id DESC LIMIT 1 OFFSET ?)')
      .run(MOST_LINES);
    this.#database
      .prepare("DELETE FROM commands WHERE accepted_at < ? AND state NOT IN ('queued', 'delivered')")
      .run(oldest);
  }
}
