import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Channel } from './channel.ts';
import type { Door, FromHost, Headers } from './protocol.ts';

type Answer = Extract<FromHost, { type: 'answer' }>;

const IMDS_ADDRESS = '169.254.169.254';

const headersOf = (request: IncomingMessage): Headers => {
  const pairs: [string, string][] = [];
  for (let i = 0; i + 1 < request.rawHeaders.length; i += 2) {
    pairs.push([request.rawHeaders[i] ?? '', request.rawHeaders[i + 1] ?? '']);
  }
  return pairs;
};

/** No call a node makes comes near it: a secret has at most 64 kB. */
const LARGEST_BODY_BYTES = 4_000_000;

/** @throws Error where the body is larger than any AWS call of a node, or the program broke it off */
const bodyOf = async (request: IncomingMessage): Promise<Buffer> => {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > LARGEST_BODY_BYTES) throw new Error('body too large');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
};

/**
 * The two ways out of a node whose network is otherwise closed: the metadata service and AWS. Requests are handed to
 * the host as messages; no connection ever leaves the node.
 */
export class Doors {
  readonly #channel: Channel;
  readonly #waiting = new Map<number, ServerResponse>();
  #nextId = 1;

  constructor(channel: Channel) {
    this.#channel = channel;
  }

  async open(awsPort: number): Promise<void> {
    await Promise.all([this.#listen('imds', IMDS_ADDRESS, 80), this.#listen('aws', '127.0.0.1', awsPort)]);
  }

  #listen(door: Door, address: string, port: number): Promise<void> {
    const server = createServer((request, response) => void this.#pass(door, request, response));
    return new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, address, resolve);
    });
  }

  async #pass(door: Door, request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      const body = await bodyOf(request);
      const id = this.#nextId;
      this.#nextId += 1;
      this.#waiting.set(id, response);
      response.once('close', () => this.#waiting.delete(id));
      this.#channel.send({
        type: 'request',
        id,
        door,
        method: request.method ?? 'GET',
        path: request.url ?? '/',
        headers: headersOf(request),
        body: body.toString('base64'),
      });
    } catch {
      // Nothing that could be passed on: the program on the node finds its connection cut.
      response.destroy();
    }
  }

  answer(answer: Answer): void {
    const response = this.#waiting.get(answer.id);
    if (response === undefined) return;
    for (const [name, value] of answer.headers) response.setHeader(name, value);
    response.writeHead(answer.status);
    response.end(Buffer.from(answer.body, 'base64'));
  }
}
