import { Agent, type IncomingMessage, request, type ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';

/** Passes requests on to the emulator as they came and hands back its answers as they come. */
export class Forwarder {
  readonly #upstream: URL;
  readonly #agent = new Agent({ keepAlive: true });

  constructor(upstream: string) {
    this.#upstream = new URL(upstream);
  }

  /** Body: what was read already, or the request itself to stream it. */
  async send(incoming: IncomingMessage, body: Buffer | undefined): Promise<IncomingMessage> {
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
    const outgoing = request(
      {
        host: this.#upstream.hostname,
        port: this.#upstream.port,
        method: incoming.method,
        path: incoming.url,
        headers: incoming.rawHeaders,
        setHost: false,
        agent: this.#agent,
      },
      resolve,
    );
    outgoing.on('error', reject);
    if (body === undefined) pipeline(incoming, outgoing).catch(reject);
    else outgoing.end(body);
    return await promise;
  }

  async relay(answer: IncomingMessage, response: ServerResponse): Promise<void> {
    response.writeHead(answer.statusCode ?? 502, answer.rawHeaders);
    await pipeline(answer, response);
  }

  close(): void {
    this.#agent.destroy();
  }
}
