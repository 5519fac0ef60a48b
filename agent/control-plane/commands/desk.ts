import { randomUUID } from 'node:crypto';
import { create } from '@bufbuild/protobuf';
import {
  type CommandResult,
  CommandType,
  type ControlMessage,
  ControlMessageSchema,
} from '../../proto/generated/ec2agent/v1/agent_pb.js';
import { type Log, reasonOf } from '../../shared/log.ts';
import type { Clock } from '../clock.ts';
import type { Audit, AuditEntry } from '../store/audit.ts';
import type { CommandStore, StoredCommand } from '../store/command-store.ts';
import type { CommandTypeName } from '../views.ts';

/** A stream that takes messages. */
export interface Outlet {
  /** False: the agent does not read what it was sent before. */
  send(message: ControlMessage): boolean;
  /** Our agents know commands by their ids and run none twice; known ones would. */
  readonly knowsIds: boolean;
}

export interface CommandRequest {
  readonly type: CommandTypeName;
  readonly args: Readonly<Record<string, string>>;
  /** Zero: the agent's own limit. */
  readonly timeoutSeconds: number;
  /** Where the request came from, for the audit. */
  readonly source: string;
}

export interface DeskDeps {
  readonly clock: Clock;
  readonly store: CommandStore;
  readonly audit: Audit;
  readonly log: Log;
  /** Counts what becomes of commands. */
  readonly count: (event: AuditEntry['event']) => void;
}

/** What agents allow a command that says nothing of its time; a model has tens of gigabytes. */
const AGENT_LIMIT_SECONDS = 300;
const PULL_LIMIT_SECONDS = 1800;
/** For the way there and back. */
const WAY_SECONDS = 15;
/** Commands without an end that one node may have; known control planes queue ten. */
const MOST_OPEN = 10;
const MOST_OUTPUT = 3500;
/**
 * What must not happen twice. An agent knows its ids for as long as it runs, and after a reboot it is a new one: sent
 * again, a REBOOT whose result was lost would come round until its time is over.
 */
const ONCE: ReadonlySet<CommandTypeName> = new Set(['SHUTDOWN', 'REBOOT', 'EXEC']);

interface Open {
  readonly command: StoredCommand;
  delivered: boolean;
  /** By the monotonic clock. */
  readonly until: number;
}

const usualSeconds = (type: CommandTypeName): number =>
  type === 'PULL_MODEL' ? PULL_LIMIT_SECONDS : AGENT_LIMIT_SECONDS;

const toMessage = ({ commandId, type, args, timeoutSeconds }: StoredCommand): ControlMessage =>
  create(ControlMessageSchema, {
    payload: {
      case: 'command',
      value: { commandId, type: CommandType[type], args: { ...args }, timeoutSeconds },
    },
  });

const outcome = (result: CommandResult, late: boolean): string =>
  JSON.stringify({
    success: result.success,
    exit_code: result.exitCode,
    error: result.error.slice(0, MOST_OUTPUT),
    duration_ms: Number(result.durationMs),
    ...(late ? { late } : {}),
    stdout: result.stdout.slice(-MOST_OUTPUT),
    stderr: result.stderr.slice(-MOST_OUTPUT),
  });

/**
 * Takes commands, hands them to streams and waits for results. A command leaves once; it leaves again, with the same
 * id, only over a new stream of an agent that knows ids, only within its time, and only where twice does no harm. Every
 * step is on disk before it happens; a disk that takes nothing refuses new commands and stops nothing else.
 */
export class CommandDesk {
  readonly #deps: DeskDeps;
  readonly #outlets = new Map<string, Outlet>();
  readonly #open = new Map<string, Map<string, Open>>();

  constructor(deps: DeskDeps) {
    this.#deps = deps;
    const now = deps.clock.now().getTime();
    for (const command of deps.store.open()) {
      // A wall clock that jumped must neither end nor prolong a command by more than its own time.
      const left = Math.min(Math.max(command.expiresAt - now, 0), command.expiresAt - command.acceptedAt);
      this.#hold({ command, delivered: command.state === 'delivered', until: deps.clock.monotonic() + left });
    }
  }

  /** @returns to how many of the nodes the command is on its way */
  submit(nodeIds: readonly string[], request: CommandRequest): { readonly commandId: string; readonly sent: number } {
    const commandId = `cmd-${randomUUID()}`;
    let sent = 0;
    for (const nodeId of nodeIds) if (this.#submitOne(commandId, nodeId, request)) sent += 1;
    return { commandId, sent };
  }

  #submitOne(commandId: string, nodeId: string, request: CommandRequest): boolean {
    const { clock, store } = this.#deps;
    const outlet = this.#outlets.get(nodeId);
    const reason = this.#reasonAgainst(nodeId, outlet);
    const { type, args, timeoutSeconds, source } = request;
    const about = { command_id: commandId, node_id: nodeId, type, source };
    if (outlet === undefined || reason !== undefined) {
      this.#note({ ...about, event: 'refused', detail: reason ?? '' });
      return false;
    }
    const seconds = (timeoutSeconds === 0 ? usualSeconds(type) : timeoutSeconds) + WAY_SECONDS;
    const acceptedAt = clock.now().getTime();
    const command: StoredCommand = {
      ...{ commandId, nodeId, type, args, timeoutSeconds, acceptedAt },
      state: 'queued',
      expiresAt: acceptedAt + seconds * 1000,
    };
    store.add(command);
    this.#note({ ...about, event: 'accepted', detail: JSON.stringify({ args, timeout: timeoutSeconds }) });
    const open: Open = { command, delivered: false, until: clock.monotonic() + seconds * 1000 };
    this.#hold(open);
    const left = this.#deliver(open, outlet);
    if (!left) this.#end(command, 'forgotten', 'refused', 'the agent does not read its stream');
    return left;
  }

  #reasonAgainst(nodeId: string, outlet: Outlet | undefined): string | undefined {
    if (outlet === undefined) return 'the node has no open stream';
    const open = this.#open.get(nodeId)?.size ?? 0;
    return open >= MOST_OPEN ? `${open} commands of the node have not ended yet` : undefined;
  }

  #hold(open: Open): void {
    const { nodeId, commandId } = open.command;
    const ofNode = this.#open.get(nodeId) ?? new Map<string, Open>();
    ofNode.set(commandId, open);
    this.#open.set(nodeId, ofNode);
  }

  /** Marked before it leaves: whoever crashes between the two must not send it to an agent that would run it twice. */
  #deliver(open: Open, outlet: Outlet): boolean {
    const { command, delivered: again } = open;
    if (!this.#keep(command, 'delivered')) return false;
    open.delivered = true;
    if (outlet.send(toMessage(command))) {
      this.#note({ ...aboutOf(command), event: 'delivered', detail: again ? 'again, over a new stream' : '' });
      return true;
    }
    open.delivered = again;
    if (!again) this.#keep(command, 'queued');
    return false;
  }

  /** A node has a stream: what is open goes out, as far as it may. */
  attach(nodeId: string, outlet: Outlet): void {
    this.#outlets.set(nodeId, outlet);
    for (const open of this.#open.get(nodeId)?.values() ?? [])
      if (!open.delivered || (outlet.knowsIds && !ONCE.has(open.command.type))) this.#deliver(open, outlet);
  }

  /** Does nothing for an outlet that another has replaced. */
  detach(nodeId: string, outlet: Outlet): void {
    if (this.#outlets.get(nodeId) === outlet) this.#outlets.delete(nodeId);
  }

  /** A result counts once; it is acknowledged each time, since the agent repeats what nobody acknowledged. */
  result(nodeId: string, result: CommandResult): void {
    const { commandId } = result;
    const command = this.#find(commandId, nodeId);
    if (command === undefined) this.#deps.log('warn', 'result of nobody', { node: nodeId });
    else if (command.state !== 'done') {
      const late = command.state !== 'delivered' && command.state !== 'queued';
      this.#end(command, 'done', 'result', outcome(result, late));
    }
    const ack = { payload: { case: 'ack' as const, value: { messageId: commandId, received: true } } };
    this.#outlets.get(nodeId)?.send(create(ControlMessageSchema, ack));
  }

  #find(commandId: string, nodeId: string): StoredCommand | undefined {
    const open = this.#open.get(nodeId)?.get(commandId)?.command;
    try {
      return this.#deps.store.find(commandId, nodeId) ?? open;
    } catch (error) {
      this.#deps.log('error', 'commands are not kept', { reason: reasonOf(error) });
      return open;
    }
  }

  /** Whether it is on disk. A full one must neither end the program nor tear a stream. */
  #keep({ commandId, nodeId }: StoredCommand, state: StoredCommand['state']): boolean {
    try {
      this.#deps.store.setState(commandId, nodeId, state);
      return true;
    } catch (error) {
      this.#deps.log('error', 'commands are not kept', { command: commandId, reason: reasonOf(error) });
      return false;
    }
  }

  /** To be called each second. */
  sweep(): void {
    const now = this.#deps.clock.monotonic();
    for (const ofNode of this.#open.values())
      for (const { command, until } of [...ofNode.values()])
        if (now >= until) this.#end(command, 'timed-out', 'timed-out', 'no result in time');
  }

  /** The node is another one now, or is not known any more: what was meant for it is void. */
  forget(nodeId: string): void {
    for (const { command } of [...(this.#open.get(nodeId)?.values() ?? [])])
      this.#end(command, 'forgotten', 'forgotten', 'the node is gone');
  }

  #end(command: StoredCommand, state: StoredCommand['state'], event: AuditEntry['event'], detail: string): void {
    this.#keep(command, state);
    const ofNode = this.#open.get(command.nodeId);
    ofNode?.delete(command.commandId);
    if (ofNode?.size === 0) this.#open.delete(command.nodeId);
    this.#note({ ...aboutOf(command), event, detail });
  }

  /** The log tells what happened; what was said is in the audit alone. */
  #note(entry: AuditEntry): void {
    const { audit, log, count } = this.#deps;
    count(entry.event);
    log('info', `command ${entry.event}`, { command: entry.command_id, node: entry.node_id, type: entry.type });
    try {
      audit.add(entry);
    } catch (error) {
      log('error', 'audit is not kept', { reason: reasonOf(error) });
    }
  }
}

const aboutOf = ({ commandId, nodeId, type }: StoredCommand) => ({
  command_id: commandId,
  node_id: nodeId,
  type,
  source: '',
});
