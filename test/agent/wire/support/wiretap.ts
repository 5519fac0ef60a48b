import { connect, createServer, type Server, type Socket } from 'node:net';
import { FrameReader } from './frames.ts';
import { PingPolicy } from './ping-policy.ts';

/** One connection that goes through a wiretap. */
export interface TappedConnection {
  readonly policy: PingPolicy;
  readonly client: Socket;
  readonly server: Socket;
}

/** A forward of TCP that understands HTTP/2, and can lose connections in the ways that networks do. */
export class Wiretap {
  readonly connections: TappedConnection[] = [];
  port = 0;
  /** Bytes that came to a connection that is dead. */
  swallowed = 0;
  readonly #server: Server;
  readonly #target: () => number;
  readonly #minimumPingMs: number;
  #frozen = false;

  /** @param target - port on 127.0.0.1, asked anew for each connection. */
  constructor(target: () => number, minimumPingMs = 10_000) {
    this.#target = target;
    this.#minimumPingMs = minimumPingMs;
    this.#server = createServer((client) => this.#forward(client));
  }

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new Error('a wiretap listens on a port');
    this.port = address.port;
    return `127.0.0.1:${this.port}`;
  }

  /** From now on nothing gets through, in either direction, and nobody is told: the cable is out. */
  freeze(): void {
    this.#frozen = true;
  }

  /** New connections get through again; those from before stay dead, as after a NAT forgot them. */
  thaw(): void {
    this.#frozen = false;
  }

  /** Ends all connections with a reset. */
  cut(): void {
    for (const { client, server } of this.connections.splice(0)) {
      client.resetAndDestroy();
      server.resetAndDestroy();
    }
  }

  async close(): Promise<void> {
    for (const { client, server } of this.connections) {
      client.destroy();
      server.destroy();
    }
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #forward(client: Socket): void {
    const server = connect(this.#target(), '127.0.0.1');
    const policy = new PingPolicy(this.#minimumPingMs);
    let dead = false;
    this.connections.push({ policy, client, server });
    const pass = (from: Socket, to: Socket, heard: (bytes: Buffer) => void): void => {
      from.on('data', (bytes) => {
        dead ||= this.#frozen;
        if (dead) {
          this.swallowed += bytes.length;
          return;
        }
        heard(bytes);
        to.write(bytes);
      });
      from.on('error', () => undefined);
      from.on('close', () => {
        dead ||= this.#frozen;
        if (!dead) to.destroy();
      });
    };
    const [up, down] = [new FrameReader('client'), new FrameReader('server')];
    pass(client, server, (bytes) => {
      for (const frame of up.push(bytes)) policy.fromClient(frame, performance.now());
    });
    pass(server, client, (bytes) => {
      for (const frame of down.push(bytes)) policy.fromServer(frame);
    });
  }
}
