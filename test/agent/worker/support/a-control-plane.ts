import {
  createSecureServer,
  createServer,
  type Http2SecureServer,
  type Http2Server,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import type { HandlerContext } from '@connectrpc/connect';
import { connectNodeAdapter } from '@connectrpc/connect-node';
import {
  AgentControl,
  type AgentMessage,
  type CommandResult,
  type CommandSchema,
  type ControlMessage,
  ControlMessageSchema,
  type HeartbeatResponseSchema,
  type NodeStatus,
  type RegisterRequest,
  type RegisterResponseSchema,
} from '../../../../agent/proto/generated/ec2agent/v1/agent_pb.js';

type Registered = MessageInitShape<typeof RegisterResponseSchema>;
type Beaten = MessageInitShape<typeof HeartbeatResponseSchema>;

const isSession = (path: string | undefined): boolean => path?.endsWith('/Connect') === true;

/** A control plane in this process that does what a test wants it to, and remembers what it was told. */
export class FakeControlPlane {
  readonly registrations: RegisterRequest[] = [];
  readonly authorizations: (string | null)[] = [];
  readonly statuses: NodeStatus[] = [];
  readonly results: CommandResult[] = [];
  readonly words: string[] = [];
  /** In which order calls and messages came. */
  readonly order: string[] = [];
  heartbeats = 0;
  register: () => Registered | Promise<Registered> = () => ({ accepted: true, heartbeatIntervalSec: 5 });
  heartbeat: () => Beaten | Promise<Beaten> = () => ({ ok: true });
  /** Whether results are acknowledged. */
  acknowledges = true;
  port = 0;
  readonly sessions = new Set<ServerHttp2Session>();
  readonly streams = new Set<ServerHttp2Stream>();
  readonly #outgoing = new Set<(message: ControlMessage | undefined) => void>();
  /** Where connections come from. */
  readonly sources: (string | undefined)[] = [];
  #server: Http2Server | Http2SecureServer | undefined;

  async listen(port = 0, tls?: { readonly cert: string; readonly key: string }): Promise<this> {
    const routes = connectNodeAdapter({
      routes: (router) =>
        router.service(AgentControl, {
          register: (request, context) => this.#onRegister(request, context),
          heartbeat: () => this.#onHeartbeat(),
          connect: (messages) => this.#onConnect(messages),
        }),
    });
    const server = tls === undefined ? createServer(routes) : createSecureServer(tls, routes);
    server.on('session', (session) => {
      this.sessions.add(session);
      this.sources.push(session.socket.remoteAddress);
      session.on('close', () => this.sessions.delete(session));
      session.on('error', () => {});
    });
    server.on('stream', (stream, headers) => {
      if (!isSession(headers[':path'])) return;
      this.streams.add(stream);
      stream.on('close', () => this.streams.delete(stream));
      stream.on('error', () => {});
    });
    this.#server = server;
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
    const address = server.address();
    if (address !== null && typeof address !== 'string') this.port = address.port;
    return this;
  }

  command(command: MessageInitShape<typeof CommandSchema>): void {
    this.send({ payload: { case: 'command', value: command } });
  }

  send(message: MessageInitShape<typeof ControlMessageSchema>): void {
    for (const put of this.#outgoing) put(create(ControlMessageSchema, message));
  }

  /** Ends the streams in order; connections stay. */
  endStreams(): void {
    for (const put of this.#outgoing) put(undefined);
  }

  /** Goes away at once, as after a kill. */
  async close(): Promise<void> {
    for (const session of this.sessions) session.destroy();
    const server = this.#server;
    this.#server = undefined;
    if (server !== undefined) await new Promise((resolve) => server.close(resolve));
  }

  async #onRegister(request: RegisterRequest, context: HandlerContext): Promise<Registered> {
    this.order.push('register');
    this.registrations.push(request);
    this.authorizations.push(context.requestHeader.get('authorization'));
    return this.register();
  }

  async #onHeartbeat(): Promise<Beaten> {
    this.order.push('heartbeat');
    this.heartbeats += 1;
    return this.heartbeat();
  }

  async *#onConnect(messages: AsyncIterable<AgentMessage>): AsyncGenerator<ControlMessage> {
    this.order.push('connect');
    const waiting: (ControlMessage | undefined)[] = [];
    let wake: () => void = () => {};
    const put = (message: ControlMessage | undefined): void => {
      waiting.push(message);
      wake();
    };
    this.#outgoing.add(put);
    void this.#read(messages, put).catch(() => put(undefined));
    try {
      for (;;) {
        while (waiting.length > 0) {
          const message = waiting.shift();
          if (message === undefined) return;
          yield message;
        }
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    } finally {
      this.#outgoing.delete(put);
    }
  }

  async #read(
    messages: AsyncIterable<AgentMessage>,
    put: (message: ControlMessage | undefined) => void,
  ): Promise<void> {
    for await (const { payload } of messages) {
      this.order.push(payload.case ?? 'nothing');
      if (payload.case === 'status') this.statuses.push(payload.value);
      if (payload.case === 'log') this.words.push(payload.value.message);
      if (payload.case !== 'commandResult') continue;
      this.results.push(payload.value);
      const value = { messageId: payload.value.commandId, received: true };
      if (this.acknowledges) put(create(ControlMessageSchema, { payload: { case: 'ack', value } }));
    }
    put(undefined);
  }
}
