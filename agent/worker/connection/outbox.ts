import { create } from '@bufbuild/protobuf';
import {
  type AgentMessage,
  AgentMessageSchema,
  type CommandResult,
  type LogEntry,
  type NodeStatus,
} from '../../proto/generated/ec2agent/v1/agent_pb.js';
import type { Clock } from '../ports.ts';

type Payload = AgentMessage['payload'];

/**
 * What goes up the stream, in order, and one status at most: a newer one takes the place of one that has not gone yet,
 * so a server that does not read costs no memory.
 */
export class Outbox implements AsyncIterable<AgentMessage> {
  readonly #waiting: Payload[] = [];
  #status: Payload | undefined;
  #wake: (() => void) | undefined;
  #ended = false;
  #since = 0;
  readonly #clock: Clock;
  readonly #onSent: (result: CommandResult) => void;

  /** @param onSent - called with each result once it is written */
  constructor(clock: Clock, onSent: (result: CommandResult) => void) {
    this.#clock = clock;
    this.#onSent = onSent;
  }

  /** For how long a status has been waiting to be written; 0 when none is. */
  waitedMs(): number {
    return this.#status === undefined ? 0 : this.#clock.monotonic() - this.#since;
  }

  status(status: NodeStatus): void {
    if (this.#status === undefined) this.#since = this.#clock.monotonic();
    this.#status = { case: 'status', value: status };
    this.#wake?.();
  }

  result(result: CommandResult): void {
    this.#put({ case: 'commandResult', value: result });
  }

  log(entry: LogEntry): void {
    this.#put({ case: 'log', value: entry });
  }

  /** Ends the stream after what is waiting. */
  end(): void {
    this.#ended = true;
    this.#wake?.();
  }

  #put(payload: Payload): void {
    this.#waiting.push(payload);
    this.#wake?.();
  }

  #next(): Payload | undefined {
    // The first status names the node of the stream, so it goes before what was left over from another one.
    const status = this.#status;
    this.#status = undefined;
    return status ?? this.#waiting.shift();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<AgentMessage> {
    for (;;) {
      const payload = this.#next();
      if (payload !== undefined) {
        yield create(AgentMessageSchema, { payload });
        // Asked for the next one: this one is written.
        if (payload.case === 'commandResult') this.#onSent(payload.value);
      } else if (this.#ended) return;
      else
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
    }
  }
}
