import { type IncomingMessage, request, type ServerResponse } from 'node:http';
import { dial, explain } from './connections.ts';
import type { Destination } from './destination.ts';
import type { Door, Refusal } from './judge.ts';

interface Parties {
  readonly source: string;
  readonly destination: string;
}

/** What belongs to one connection and is not handed on (RFC 9110, 7.6.1), and what only speaks to a proxy. */
const HOP_BY_HOP = new Set([
  'connection',
  'expect',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/** Flat list of names and values, as they came. */
const forwardable = ({ rawHeaders, headers }: IncomingMessage, without: readonly string[] = []): string[] => {
  const named = (headers.connection ?? '').split(',').map((one) => one.trim().toLowerCase());
  const dropped = new Set([...named, ...without]);
  const kept: string[] = [];
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    const [name = '', value = ''] = rawHeaders.slice(at, at + 2);
    if (!HOP_BY_HOP.has(name.toLowerCase()) && !dropped.has(name.toLowerCase())) kept.push(name, value);
  }
  return kept;
};

const requestHeaders = (incoming: IncomingMessage, url: URL): string[] => {
  const chunked = incoming.headers['transfer-encoding'] === undefined ? [] : ['Transfer-Encoding', 'chunked'];
  return ['Host', url.host, ...forwardable(incoming, ['host']), ...chunked, 'Connection', 'close'];
};

export const refuseRequest = ({ log }: Door, parties: Parties, refusal: Refusal, outgoing: ServerResponse): void => {
  log('warn', 'refused', { kind: 'request', ...parties, ...refusal });
  if (outgoing.headersSent) outgoing.destroy();
  else
    outgoing
      .writeHead(refusal.status, { 'Content-Type': 'text/plain', Connection: 'close' })
      .end(`${refusal.reason}\n`);
};

/** A plain request for an absolute URL: `http_proxy` for Ollama, `proxy_url` of Prometheus. One connection each. */
export const passOn = (
  door: Door,
  parties: Parties,
  destination: Destination,
  url: URL,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): void => {
  const { settings, connections, log } = door;
  const started = Date.now();
  const fail = (refusal: Refusal): void => refuseRequest(door, parties, refusal, outgoing);
  const upstream = request({
    method: incoming.method ?? 'GET',
    path: `${url.pathname}${url.search}`,
    headers: requestHeaders(incoming, url),
    createConnection: (_options, ready) => {
      const socket = dial({ ...destination, localAddress: settings.meshAddress }, settings, (outcome) => {
        if ('status' in outcome) {
          fail(outcome);
          // Answered already; the request only has to end.
          ready(new Error(outcome.reason), socket);
        } else ready(null, outcome);
      });
      connections.hold(socket);
      return undefined;
    },
  });
  upstream.on('response', (answer) => {
    const milliseconds = Date.now() - started;
    log('info', 'passed', { kind: 'request', ...parties, status: answer.statusCode, milliseconds });
    outgoing.writeHead(answer.statusCode ?? 502, forwardable(answer));
    answer.pipe(outgoing);
    // A torn answer must not look like a whole one.
    answer.on('error', () => outgoing.destroy());
  });
  upstream.on('error', (error: NodeJS.ErrnoException) => {
    if (!outgoing.writableEnded) fail({ status: 502, reason: explain(error.code ?? error.message) });
  });
  outgoing.on('close', () => upstream.destroy());
  incoming.pipe(upstream);
};
