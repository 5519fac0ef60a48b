import type { DatabaseSync } from 'node:sqlite';
import * as z from 'zod';
import { CommandTypeName } from '../views.ts';

/**
 * `queued`: accepted, not yet written to a stream; `delivered`: written, no result yet; the others are ends.
 */
export const CommandState = z.enum(['queued', 'delivered', 'done', 'timed-out', 'forgotten']);
export type CommandState = z.infer<typeof CommandState>;

/** One command to one node. Instants are milliseconds of the wall's clock. */
export interface StoredCommand {
  readonly commandId: string;
  readonly nodeId: string;
  readonly type: CommandTypeName;
  readonly args: Readonly<Record<string, string>>;
  readonly timeoutSeconds: number;
  readonly state: CommandState;
  readonly acceptedAt: number;
  readonly expiresAt: number;
}

const Row = z
  .object({
    command_id: z.string(),
    node_id: z.string(),
    type: CommandTypeName,
    args: z.string().transform((text) => z.record(z.string(), z.string()).parse(JSON.parse(text))),
    timeout_seconds: z.number(),
    state: CommandState,
    accepted_at: z.number(),
    expires_at: z.number(),
  })
  .transform(
    (row): StoredCommand => ({
      commandId: row.command_id,
      nodeId: row.node_id,
      type: row.type,
      args: row.args,
      timeoutSeconds: row.timeout_seconds,
      state: row.state,
      acceptedAt: row.accepted_at,
      expiresAt: row.expires_at,
    }),
  );

/** Commands on disk: written before they leave, so that no restart sends one twice or forgets that it was sent. */
export class CommandStore {
  readonly #database: DatabaseSync;

  constructor(database: DatabaseSync) {
    this.#database = database;
  }

  add(command: StoredCommand): void {
    this.#database
      .prepare(
        `INSERT INTO commands (command_id, node_id, type, args, timeout_seconds, state, accepted_at, expires_at)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
      )
      .run(
        command.commandId,
        command.nodeId,
        command.type,
        JSON.stringify(command.args),
        command.timeoutSeconds,
        command.state,
        command.acceptedAt,
        command.expiresAt,
      );
  }

  setState(commandId: string, nodeId: string, state: CommandState): void {
    this.#database
      .prepare('UPDATE commands SET state = ? WHERE command_id = ? AND node_id = ?')
      .run(state, commandId, nodeId);
  }

  find(commandId: string, nodeId: string): StoredCommand | undefined {
    const row = this.#database
      .prepare('SELECT * FROM commands WHERE command_id = ? AND node_id = ?')
      .get(commandId, nodeId);
    return row === undefined ? undefined : Row.parse(row);
  }

  /** Those without an end, oldest first. */
  open(): StoredCommand[] {
    const rows = this.#database
      .prepare("SELECT * FROM commands WHERE state IN ('queued', 'delivered') ORDER BY accepted_at, command_id")
      .all();
    return rows.map((row) => Row.parse(row));
  }
}
