import { create, type MessageInitShape } from '@bufbuild/protobuf';
import {
  type Command,
  type CommandResult,
  CommandResultSchema,
  CommandType,
} from '../../proto/generated/ec2agent/v1/agent_pb.js';
import { type Log, reasonOf } from '../../shared/log.ts';
import type { Clock, CommandRunner } from '../ports.ts';
import type { Tally } from '../tally.ts';
import type { Limits } from './limits.ts';
import { TimeLimitError, within } from './within.ts';

/** Ids of commands that are remembered, so that one that is sent twice is not run twice. */
const MOST_REMEMBERED = 200;
const MOST_UNDELIVERED = 100;
const MOST_WAITING = 10;

export interface DeskParts {
  readonly runner: CommandRunner;
  readonly clock: Clock;
  readonly limits: Limits;
  readonly log: Log;
  readonly tally: Tally;
}

type Result = MessageInitShape<typeof CommandResultSchema>;

const nameOf = (type: CommandType): string => CommandType[type] ?? `command type ${type}`;

const failure = (error: string, exitCode = 1): Result => ({ success: false, exitCode, error });

const timeOf = ({ type, timeoutSeconds }: Command, { commandMs, pullMs }: Limits): number => {
  const { usual, most } = type === CommandType.PULL_MODEL ? pullMs : { usual: commandMs, most: commandMs };
  return timeoutSeconds > 0 ? Math.min(timeoutSeconds * 1000, most) : usual;
};

/**
 * Takes commands, whatever connection they came by: runs them one at a time per kind, remembers what it has run, and
 * keeps each result until it has been delivered.
 */
export class CommandDesk {
  readonly #parts: DeskParts;
  readonly #seen = new Map<string, CommandResult | 'running'>();
  readonly #lanes = new Map<CommandType, { last: Promise<void>; waiting: number }>();
  readonly #undelivered = new Map<string, CommandResult>();
  readonly #stopping = new AbortController();
  #onResult: (result: CommandResult) => void = () => {};

  constructor(parts: DeskParts) {
    this.#parts = parts;
  }

  /** Results that are still owed, oldest first. */
  get undelivered(): readonly CommandResult[] {
    return [...this.#undelivered.values()];
  }

  /** Only one connection listens: the newest. */
  onResult(listener: (result: CommandResult) => void): void {
    this.#onResult = listener;
  }

  delivered(commandId: string): void {
    this.#undelivered.delete(commandId);
  }

  /** Tells running commands that the agent ends. */
  stop(): void {
    this.#stopping.abort(new Error('the agent is ending'));
  }

  take(command: Command): void {
    const { commandId, type } = command;
    const seen = commandId === '' ? undefined : this.#seen.get(commandId);
    this.#parts.log('info', seen === undefined ? 'command' : 'command again', { commandId, type: nameOf(type) });
    if (seen === 'running') return;
    const refusal = this.#refusal(type);
    if (seen !== undefined) this.#owe(seen);
    else if (refusal !== undefined) this.#finish(command, refusal);
    else this.#queue(command);
  }

  #refusal(type: CommandType): Result | undefined {
    if (CommandType[type] === undefined || type === CommandType.UNSPECIFIED)
      return failure(`this agent does not know ${nameOf(type)}`, 2);
    const waiting = this.#lanes.get(type)?.waiting ?? 0;
    if (waiting < MOST_WAITING) return undefined;
    return failure(`${waiting} commands of this type are not done yet: send it later`);
  }

  #queue(command: Command): void {
    this.#remember(command.commandId, 'running');
    const lane = this.#lanes.get(command.type) ?? { last: Promise.resolve(), waiting: 0 };
    this.#lanes.set(command.type, lane);
    lane.waiting += 1;
    lane.last = lane.last.then(async () => {
      this.#finish(command, await this.#run(command));
      lane.waiting -= 1;
    });
  }

  /** Runs a command that the agent gives itself; nobody is owed the result. */
  async self(command: Command): Promise<CommandResult> {
    return create(CommandResultSchema, await this.#run(command));
  }

  async #run(command: Command): Promise<Result> {
    const { runner, clock, limits } = this.#parts;
    const milliseconds = timeOf(command, limits);
    const begun = clock.monotonic();
    const timing = new AbortController();
    const over = AbortSignal.any([timing.signal, this.#stopping.signal]);
    void clock.sleep(milliseconds, over).then(() => {
      if (!over.aborted) timing.abort(new TimeLimitError(nameOf(command.type), milliseconds));
    });
    const withGrace = { clock, milliseconds: milliseconds + limits.commandGraceMs, what: nameOf(command.type) };
    const result = await within(withGrace, () => runner.run(command, over)).catch((error: unknown) =>
      failure(reasonOf(error), error instanceof TimeLimitError ? 124 : 1),
    );
    timing.abort();
    return { durationMs: BigInt(Math.round(clock.monotonic() - begun)), ...result };
  }

  #finish(command: Command, init: Result): void {
    const { log, tally } = this.#parts;
    const result = create(CommandResultSchema, { ...init, commandId: command.commandId });
    const { commandId, success, exitCode, error, durationMs } = result;
    tally.commands += 1;
    if (!success) tally.commandFailures += 1;
    const facts = { commandId, type: nameOf(command.type), success, exitCode, milliseconds: Number(durationMs) };
    log(success ? 'info' : 'warn', 'command done', error === '' ? facts : { ...facts, error });
    this.#remember(commandId, result);
    this.#owe(result);
  }

  #owe(result: CommandResult): void {
    this.#undelivered.delete(result.commandId);
    this.#undelivered.set(result.commandId, result);
    const [oldest] = this.#undelivered.keys();
    if (this.#undelivered.size > MOST_UNDELIVERED && oldest !== undefined) {
      this.#undelivered.delete(oldest);
      this.#parts.tally.resultsDropped += 1;
      this.#parts.log('warn', 'result dropped', { commandId: oldest });
    }
    this.#onResult(result);
  }

  #remember(commandId: string, what: CommandResult | 'running'): void {
    if (commandId === '') return;
    this.#seen.set(commandId, what);
    if (this.#seen.size <= MOST_REMEMBERED) return;
    const oldest = [...this.#seen].find(([, state]) => state !== 'running');
    if (oldest !== undefined) this.#seen.delete(oldest[0]);
  }
}
