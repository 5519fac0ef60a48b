import { create } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import { type CallOptions, type Client, createClient } from '@connectrpc/connect';
import { createGrpcTransport } from '@connectrpc/connect-node';
import {
  AgentControl,
  type ControlMessage,
  LogEntrySchema,
  LogLevel,
  type NodeStatus,
  type RegisterRequest,
} from '../../proto/generated/ec2agent/v1/agent_pb.js';
import type { Live } from '../live.ts';
import type { Clock } from '../ports.ts';
import type { Statuses } from '../statuses.ts';
import { Bell } from './bell.ts';
import type { CommandDesk } from './command-desk.ts';
import type { Credentials } from './credentials.ts';
import type { Hearing } from './hearing.ts';
import type { Limits } from './limits.ts';
import { Outbox } from './outbox.ts';
import { openSession, type Session } from './session.ts';
import type { Vitals } from './vitals.ts';
import { within } from './within.ts';

export interface ConnectionParts {
  readonly nodeId: string;
  readonly clock: Clock;
  readonly limits: Limits;
  readonly live: Live;
  readonly statuses: Statuses;
  readonly desk: CommandDesk;
  readonly hearing: Hearing;
  readonly vitals: Vitals;
}

/** The control plane does not want this node. */
export class RefusedError extends Error {}

const MOST_MESSAGE_BYTES = 4 * 1024 * 1024;

const clientOf = (session: Session): Client<typeof AgentControl> =>
  createClient(
    AgentControl,
    createGrpcTransport({
      baseUrl: session.baseUrl,
      sessionManager: session.manager,
      // Messages are small; with compression zlib's memory comes along.
      acceptCompression: [],
      readMaxBytes: MOST_MESSAGE_BYTES,
    }),
  );

/** One connection: registers, opens the stream, and serves both until the first of its loops ends. */
export class Connection {
  readonly #parts: ConnectionParts;
  readonly #session: Session;
  readonly #client: Client<typeof AgentControl>;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #outbox: Outbox;
  readonly #bell = new Bell();
  readonly #over = new AbortController();
  /** Results that are written, and not proven to have arrived. */
  readonly #written = new Set<string>();

  constructor(parts: ConnectionParts, session: Session, headers: Readonly<Record<string, string>>) {
    this.#parts = parts;
    this.#session = session;
    this.#client = clientOf(session);
    this.#headers = headers;
    // A lost connection ends its calls at once, not at the end of their time.
    void session.lost.then((reason) => this.#over.abort(new Error(reason)));
    this.#outbox = new Outbox(parts.clock, ({ commandId }) => this.#written.add(commandId));
  }

  static async open(parts: ConnectionParts, { target, headers }: Credentials, stop: AbortSignal): Promise<Connection> {
    return new Connection(parts, await openSession(target, parts, stop), headers);
  }

  /** @throws RefusedError when the control plane does not want the node, ConnectError or TimeLimitError otherwise */
  async register(request: RegisterRequest, stop: AbortSignal): Promise<void> {
    const either = AbortSignal.any([stop, this.#over.signal]);
    const answer = await this.#call('the registration', either, (options) => this.#client.register(request, options));
    if (!answer.accepted) throw new RefusedError(answer.message === '' ? 'no reason given' : answer.message);
    const { heartbeatIntervalSec: heartbeatSeconds, statusIntervalSec: statusSeconds } = answer;
    this.#parts.live.apply({ heartbeatSeconds, statusSeconds }, 'registration');
  }

  /** Serves until something ends, and gives the reason; rejects with what a call failed with. */
  async serve(stop: AbortSignal): Promise<string> {
    const { statuses, desk, live, limits } = this.#parts;
    const over = this.#over.signal;
    const stopped = new Promise<string>((resolve) => {
      if (stop.aborted) resolve('stopped');
      stop.addEventListener('abort', () => resolve('stopped'), { once: true, signal: over });
    });
    const unread = Promise.withResolvers<string>();
    // The last one is at most an interval old, and names the node at once; a new one follows.
    this.#outbox.status(statuses.latest ?? (await statuses.take(limits.firstStatusMs)));
    statuses.soon();
    for (const result of desk.undelivered) this.#outbox.result(result);
    desk.onResult((result) => this.#outbox.result(result));
    const off = [
      live.onChange(() => this.#bell.ring()),
      statuses.onStatus((status) => this.#send(status, unread.resolve)),
    ];
    try {
      const received = this.#receive();
      const reason = await Promise.race([stopped, this.#session.lost, received, this.#heartbeats(), unread.promise]);
      if (stop.aborted) await this.#leave(received);
      return reason;
    } finally {
      desk.onResult(() => {});
      for (const end of off) end();
    }
  }

  /** Ends what still runs, and the connection. */
  async close(graceMs: number): Promise<void> {
    this.#outbox.end();
    this.#over.abort();
    await this.#session.close(graceMs);
  }

  async #call<T>(what: string, signal: AbortSignal, call: (options: CallOptions) => Promise<T>): Promise<T> {
    const { clock, limits, hearing } = this.#parts;
    const limit = { clock, milliseconds: limits.callMs, what, signal };
    const answer = await within(limit, (inner) => call({ signal: inner, headers: this.#headers }));
    hearing.heard();
    return answer;
  }

  #send(status: NodeStatus, unread: (reason: string) => void): void {
    const waitedMs = this.#outbox.waitedMs();
    if (waitedMs > this.#parts.limits.callMs) unread('the control plane does not read the stream');
    this.#outbox.status(status);
  }

  async #receive(): Promise<string> {
    const options = { signal: this.#over.signal, headers: this.#headers };
    for await (const message of this.#client.connect(this.#outbox, options)) {
      this.#parts.hearing.heard();
      this.#take(message);
    }
    return 'the control plane ended the stream';
  }

  #take({ payload }: ControlMessage): void {
    const { desk, live } = this.#parts;
    if (payload.case === 'command') desk.take(payload.value);
    if (payload.case === 'ack' && payload.value.received) this.#delivered(payload.value.messageId);
    if (payload.case === 'config') {
      const { heartbeatIntervalSec, statusIntervalSec, idleShutdownMinutes } = payload.value;
      // On the wire 0 is absence, so what is below it switches off.
      const minutes = idleShutdownMinutes === 0 ? undefined : Math.max(0, idleShutdownMinutes);
      live.apply(
        {
          heartbeatSeconds: heartbeatIntervalSec,
          statusSeconds: statusIntervalSec,
          idleShutdownMinutes: minutes,
        },
        'control plane',
      );
    }
  }

  /** An answer proves more than itself: all that was written before it on the same connection has arrived. */
  async #heartbeats(): Promise<string> {
    const { clock, limits, live, vitals, nodeId } = this.#parts;
    const over = this.#over.signal;
    while (!over.aborted) {
      const milliseconds = live.values.heartbeatSeconds * 1000;
      vitals.beat('connection', milliseconds + limits.callMs + limits.slackMs);
      await this.#bell.wait(clock, milliseconds, over);
      if (over.aborted) break;
      const written = [...this.#written];
      const { ok } = await this.#call('a heartbeat', over, (options) =>
        this.#client.heartbeat({ nodeId, timestamp: timestampFromDate(clock.now()) }, options),
      );
      if (!ok) return 'the control plane does not know this node any more';
      for (const commandId of written) this.#delivered(commandId);
    }
    return 'over';
  }

  #delivered(commandId: string): void {
    this.#written.delete(commandId);
    this.#parts.desk.delivered(commandId);
  }

  /** A last status and word, then the end of the stream, which the control plane answers with its own. */
  async #leave(received: Promise<string>): Promise<void> {
    const { clock, limits, statuses } = this.#parts;
    const level = LogLevel.INFO;
    const timestamp = timestampFromDate(clock.now());
    this.#outbox.status(await statuses.take(limits.closeMs));
    this.#outbox.log(create(LogEntrySchema, { timestamp, level, message: 'the agent ends', source: 'worker-agent' }));
    this.#outbox.end();
    await within({ clock, milliseconds: limits.closeMs, what: 'the end of the stream' }, () => received).catch(() => {
      // It ends either way.
    });
  }
}
