import { request as httpRequest } from 'node:http';

export type HeaderPairs = readonly (readonly [name: string, value: string])[];

export interface DoorRequest {
  readonly method: string;
  /** Path and query as sent. */
  readonly path: string;
  readonly headers: HeaderPairs;
  readonly body: Buffer;
}

export interface DoorAnswer {
  readonly status: number;
  readonly headers: HeaderPairs;
  readonly body: Buffer;
}

/** Meant for one connection, or wrong once the body is whole. */
const HOP_BY_HOP = new Set(['connection', 'keep-alive', 'transfer-encoding', 'content-length', 'upgrade', 'expect']);

const endToEnd = (headers: HeaderPairs): [string, string][] =>
  headers.filter(([name]) => !HOP_BY_HOP.has(name.toLowerCase())).map(([name, value]) => [name, value]);

const pairsOf = (raw: readonly string[]): [string, string][] =>
  raw.flatMap((name, index): [string, string][] => (index % 2 === 0 ? [[name, raw[index + 1] ?? '']] : []));

const refusal = (status: number, type: string, message: string): DoorAnswer => ({
  status,
  headers: [['content-type', 'application/x-amz-json-1.1']],
  body: Buffer.from(JSON.stringify({ __type: type, message })),
});

const unavailable = (error: Error): DoorAnswer => refusal(503, 'ServiceUnavailable', error.message);

const ask = (endpoint: URL, request: DoorRequest, resolve: (answer: DoorAnswer) => void): void => {
  const { method, path, headers, body } = request;
  const outgoing = httpRequest({
    host: endpoint.hostname,
    port: endpoint.port,
    method,
    path,
    headers: [...endToEnd(headers), ['content-length', String(body.length)]].flat(),
  });
  outgoing.once('error', (error) => resolve(unavailable(error)));
  outgoing.once('response', (incoming) => {
    const chunks: Buffer[] = [];
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
    incoming.once('error', (error) => resolve(unavailable(error)));
    incoming.once('end', () => {
      const answered = endToEnd(pairsOf(incoming.rawHeaders));
      resolve({ status: incoming.statusCode ?? 502, headers: answered, body: Buffer.concat(chunks) });
    });
  });
  outgoing.end(body);
};

/**
 * Passes what a node asks of AWS on to the endpoint that answers for it. The emulator's and the edge's own controls
 * (`/_…`) are no part of AWS, so no node reaches them.
 */
export const passToAws = (endpoint: string, request: DoorRequest): Promise<DoorAnswer> =>
  new Promise((resolve) => {
    if (/^(?:https?:\/\/[^/]*)?\/+(?:_|%5f)/i.test(request.path)) {
      resolve(refusal(403, 'AccessDeniedException', 'not a path of AWS'));
      return;
    }
    try {
      ask(new URL(endpoint), request, resolve);
    } catch (error) {
      // Node's client refuses to send a path or header that would break the request apart.
      resolve(refusal(400, 'ValidationException', error instanceof Error ? error.message : String(error)));
    }
  });
