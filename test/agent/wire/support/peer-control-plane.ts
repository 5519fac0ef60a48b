import {
  type Metadata,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServerOptions,
  type ServerUnaryCall,
  type sendUnaryData,
} from '@grpc/grpc-js';
import { PEER_SERVICE } from './peer-service.ts';
import type { PeerMessage } from './peer-types.ts';

/** One stream that an agent opened. */
export interface AgentStream {
  readonly metadata: Metadata;
  readonly received: readonly PeerMessage[];
  readonly open: boolean;
  send(message: PeerMessage): void;
  end(): void;
}

interface Call {
  readonly metadata: Metadata;
  readonly message: PeerMessage;
}

const timestamp = (): PeerMessage => ({ seconds: `${Math.floor(Date.now() / 1_000)}`, nanos: 0 });

/** What those in use answer to a registration. */
export const KNOWN_REPLY: PeerMessage = {
  accepted: true,
  message: 'registered',
  assigned_id: 'assigned',
  heartbeat_interval_sec: 30,
  status_interval_sec: 30,
};

/** A control plane as they are in use, made from the contract with @grpc/grpc-js; keeps all that it hears. */
export class PeerControlPlane {
  readonly registrations: Call[] = [];
  readonly heartbeats: Call[] = [];
  readonly streams: AgentStream[] = [];
  /** Put another in place to answer differently from then on. */
  reply: PeerMessage = KNOWN_REPLY;
  heartbeatReply: PeerMessage = { ok: true };
  port = 0;
  readonly #server: Server;

  constructor(options: ServerOptions = {}) {
    this.#server = new Server(options);
    this.#server.addService(PEER_SERVICE, {
      Register: this.#unary(this.registrations, () => this.reply),
      Heartbeat: this.#unary(this.heartbeats, () => ({ ...this.heartbeatReply, server_time: timestamp() })),
      GetFleetStatus: this.#unary([], () => ({ nodes: [], summary: {} })),
      Connect: (call: ServerDuplexStream<PeerMessage, PeerMessage>) => this.#accept(call),
    });
  }

  /** @param port - of its own, unless it stands in for one that was there before. */
  async listen(port = 0): Promise<string> {
    this.port = await new Promise<number>((resolve, reject) => {
      this.#server.bindAsync(`127.0.0.1:${port}`, ServerCredentials.createInsecure(), (error, bound) =>
        error === null ? resolve(bound) : reject(error),
      );
    });
    return `127.0.0.1:${this.port}`;
  }

  /** Ends at once, as a process that is killed. */
  close(): void {
    this.#server.forceShutdown();
  }

  #unary(heard: Call[], answer: () => PeerMessage) {
    return (call: ServerUnaryCall<PeerMessage, PeerMessage>, respond: sendUnaryData<PeerMessage>): void => {
      heard.push({ metadata: call.metadata, message: call.request });
      respond(null, answer());
    };
  }

  #accept(call: ServerDuplexStream<PeerMessage, PeerMessage>): void {
    const received: PeerMessage[] = [];
    let open = true;
    this.streams.push({
      metadata: call.metadata,
      received,
      get open() {
        return open;
      },
      send: (message) => call.write(message),
      end: () => call.end(),
    });
    call.on('data', (message: PeerMessage) => received.push(message));
    call.on('error', () => undefined);
    call.on('end', () => call.end());
    for (const event of ['end', 'cancelled', 'close']) {
      call.on(event, () => {
        open = false;
      });
    }
  }
}
