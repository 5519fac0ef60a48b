import {
  type ChannelOptions,
  type ClientDuplexStream,
  credentials,
  Metadata,
  makeGenericClientConstructor,
  type ServiceError,
} from '@grpc/grpc-js';
import { METHODS } from './contract.ts';
import { PEER_SERVICE } from './peer-service.ts';
import { type PeerMessage, peerDecode, peerEncode } from './peer-types.ts';

const Client = makeGenericClientConstructor(PEER_SERVICE, 'AgentControl');

/** How long a call may take: beyond that, the other side is hung. */
const DEADLINE_MS = 30_000;

/** One stream of a peer, with all that came down on it. */
export interface PeerStream {
  readonly received: readonly PeerMessage[];
  /** Settled once the stream is over: gRPC status code, 0 if well. */
  readonly over: Promise<number>;
  send(message: PeerMessage): void;
  /** Stops reading, as an agent does that hangs. */
  pause(): void;
  end(): void;
}

/** An agent as they are in use, made from the contract with @grpc/grpc-js; calls do not repeat themselves. */
export class PeerAgent {
  readonly #client: InstanceType<typeof Client>;
  readonly #metadata = new Metadata();

  constructor(address: string, options: ChannelOptions = {}, token?: string) {
    this.#client = new Client(address, credentials.createInsecure(), {
      // Each agent has a connection of its own, also when many live in one process.
      'grpc.use_local_subchannel_pool': 1,
      ...options,
    });
    if (token !== undefined) this.#metadata.set('authorization', `Bearer ${token}`);
  }

  register(message: PeerMessage): Promise<PeerMessage> {
    return this.#call('Register', message);
  }

  heartbeat(message: PeerMessage): Promise<PeerMessage> {
    return this.#call('Heartbeat', message);
  }

  fleet(message: PeerMessage = {}): Promise<PeerMessage> {
    return this.#call('GetFleetStatus', message);
  }

  connect(): PeerStream {
    const { takes, gives } = METHODS.Connect;
    const call: ClientDuplexStream<PeerMessage, PeerMessage> = this.#client.makeBidiStreamRequest(
      PEER_SERVICE.Connect?.path ?? '',
      (message: PeerMessage) => peerEncode(takes, message),
      (bytes: Buffer) => peerDecode(gives, bytes),
      this.#metadata,
    );
    const received: PeerMessage[] = [];
    call.on('data', (message: PeerMessage) => received.push(message));
    call.on('error', () => undefined);
    const over = new Promise<number>((resolve) => call.on('status', ({ code }) => resolve(code)));
    return {
      received,
      over,
      send: (message) => call.write(message),
      pause: () => call.pause(),
      end: () => call.end(),
    };
  }

  close(): void {
    this.#client.close();
  }

  #call(method: 'Register' | 'Heartbeat' | 'GetFleetStatus', message: PeerMessage): Promise<PeerMessage> {
    const { takes, gives } = METHODS[method];
    return new Promise((resolve, reject) => {
      this.#client.makeUnaryRequest(
        PEER_SERVICE[method]?.path ?? '',
        (request: PeerMessage) => peerEncode(takes, request),
        (bytes: Buffer) => peerDecode(gives, bytes),
        message,
        this.#metadata,
        { deadline: Date.now() + DEADLINE_MS },
        (error: ServiceError | null, answer?: PeerMessage) =>
          error === null && answer !== undefined ? resolve(answer) : reject(error ?? new Error('no answer')),
      );
    });
  }
}
