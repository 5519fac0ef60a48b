import { setTimeout as sleep } from 'node:timers/promises';
import { create } from '@bufbuild/protobuf';
import { Code, ConnectError } from '@connectrpc/connect';
import {
  type AgentMessage,
  type CommandResult,
  type ControlMessage,
  ControlMessageSchema,
  type LogEntry,
  LogLevel,
  type NodeStatus,
} from '../../proto/generated/ec2agent/v1/agent_pb.js';
import { type Log, reasonOf } from '../../shared/log.ts';
import type { CommandDesk, Outlet } from '../commands/desk.ts';
import type { Fleet } from '../fleet/fleet.ts';
import { clip } from '../fleet/from-message.ts';
import { type Identity, speaksFor } from '../fleet/identity.ts';
import type { AgentStream } from '../fleet/node.ts';
import type { Connection } from './connections.ts';
import { Outbox } from './outbox.ts';
import { createPace } from './pace.ts';

export interface StreamDeps {
  readonly fleet: Fleet;
  readonly desk: CommandDesk;
  readonly log: Log;
  readonly count: (kind: 'status' | 'result' | 'log' | 'empty') => void;
}

/** An agent that does not read so much does not read at all. */
const MOST_WAITING = 64;
/** A stream without a node is worth nothing to anybody. */
const FIRST_STATUS_MILLISECONDS = 10_000;
/** An agent says two things a minute; of what comes at once so much is taken at once, and the rest has to wait. */
const BURST = 200;
const PER_SECOND = 20;
/** The identity of a receipt for the first status; it also makes the answer's head go out, which waits for a message. */
const FIRST = 'status';

/** One call of Connect: ties a stream to the node that its first status names, and unties it however it ends. */
export class ControlStream implements AgentStream, Outlet {
  readonly #deps: StreamDeps;
  readonly #identity: Identity;
  readonly #connection: Connection | undefined;
  readonly #outbox = new Outbox<ControlMessage>(MOST_WAITING);
  readonly #nameless: NodeJS.Timeout;
  readonly #letGo: (() => void) | undefined;
  #node: string | undefined;
  knowsIds = false;

  constructor(deps: StreamDeps, identity: Identity, connection: Connection | undefined) {
    this.#deps = deps;
    this.#identity = identity;
    this.#connection = connection;
    this.#letGo = connection?.hold(this);
    this.#nameless = setTimeout(
      () => this.#fail('no status came, so that the stream has no node', Code.DeadlineExceeded),
      FIRST_STATUS_MILLISECONDS,
    ).unref();
  }

  send(message: ControlMessage): boolean {
    if (this.#outbox.push(message)) return true;
    this.#fail('the agent does not read its stream', Code.ResourceExhausted);
    return false;
  }

  end(reason: string): void {
    this.#fail(reason, Code.Unavailable);
  }

  #fail(reason: string, code: Code): void {
    this.#outbox.end(new ConnectError(reason, code));
  }

  /** Everything for the agent, until one of the two ends. */
  async *run(messages: AsyncIterable<AgentMessage>, signal: AbortSignal): AsyncGenerator<ControlMessage, void, void> {
    // The way may be gone long before whatever waits for the agent to read notices.
    const gone = (): void => {
      this.end('the connection is gone');
      this.#untie();
    };
    signal.addEventListener('abort', gone, { once: true });
    void this.#read(messages);
    try {
      yield* this.#outbox;
    } finally {
      signal.removeEventListener('abort', gone);
      this.end('closed');
      this.#untie();
    }
  }

  /** Never rejects: whatever an agent sends ends its own stream at most, and however much it slows down itself alone. */
  async #read(messages: AsyncIterable<AgentMessage>): Promise<void> {
    const pace = createPace(BURST, PER_SECOND, () => performance.now());
    try {
      for await (const message of messages) {
        this.#take(message);
        const milliseconds = pace();
        if (milliseconds > 0) await sleep(milliseconds, undefined, { ref: false });
      }
      this.#outbox.end();
    } catch (error) {
      const known = ConnectError.from(error);
      if (known.code === Code.Unknown || known.code === Code.Internal)
        this.#deps.log('warn', 'stream failed', { node: this.#node, reason: reasonOf(error) });
      this.#outbox.end(known);
    }
  }

  #take({ payload }: AgentMessage): void {
    this.#deps.count(payload.case === 'commandResult' ? 'result' : (payload.case ?? 'empty'));
    if (payload.case === 'status') this.#takeStatus(payload.value);
    if (payload.case === 'commandResult') this.#takeResult(payload.value);
    if (payload.case === 'log') this.#takeLog(payload.value);
  }

  #takeStatus(status: NodeStatus): void {
    if (this.#node === undefined) this.#tie(status.nodeId);
    else if (this.#node !== status.nodeId)
      throw new ConnectError(`the stream is ${this.#node}'s, not ${clip(status.nodeId)}'s`, Code.InvalidArgument);
    this.#deps.fleet.status(status.nodeId, status);
  }

  #tie(id: string): void {
    const { fleet, desk } = this.#deps;
    const node = fleet.get(id);
    if (node === undefined) throw new ConnectError('the node is not known: register first', Code.FailedPrecondition);
    if (!speaksFor(this.#identity, node.record))
      throw new ConnectError(`the token is not that of node ${clip(id)}`, Code.PermissionDenied);
    if (!fleet.openStream(id, this)) throw new ConnectError('the node is over: register anew', Code.FailedPrecondition);
    clearTimeout(this.#nameless);
    this.#node = id;
    this.knowsIds = node.record.agentVersion !== '';
    if (this.#connection !== undefined) this.#connection.ageless = !this.knowsIds;
    this.send(create(ControlMessageSchema, { payload: { case: 'ack', value: { messageId: FIRST, received: true } } }));
    desk.attach(id, this);
  }

  #takeResult(result: CommandResult): void {
    if (this.#node === undefined) throw new ConnectError('a result before the first status', Code.FailedPrecondition);
    this.#deps.fleet.heard(this.#node);
    this.#deps.desk.result(this.#node, result);
  }

  #takeLog({ level, message, source }: LogEntry): void {
    if (this.#node !== undefined) this.#deps.fleet.heard(this.#node);
    const facts = { node: this.#node, source: clip(source), message: clip(message) };
    this.#deps.log(level >= LogLevel.WARN ? 'warn' : 'info', 'agent says', facts);
  }

  /** Twice does no harm, nor after another stream has taken over. */
  #untie(): void {
    clearTimeout(this.#nameless);
    this.#letGo?.();
    if (this.#node === undefined) return;
    this.#deps.desk.detach(this.#node, this);
    this.#deps.fleet.closeStream(this.#node, this);
  }
}
