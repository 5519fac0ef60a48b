import type { Socket } from 'node:net';
import { DialError, dial } from '../dial.ts';
import type { Place } from '../place.ts';
import { dialThrough } from '../proxy.ts';

export interface ExchangeRequest {
  readonly method: string;
  readonly host: string;
  readonly port: number;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly proxy?: string | undefined;
  readonly place?: Place;
  /** @default 30000 */
  readonly timeoutMs?: number;
}

export interface ExchangeResponse {
  readonly status: number;
  readonly text: string;
}

const headOf = ({ method, path, host, port, headers = {}, body }: ExchangeRequest): string => {
  const all = {
    host: `${host}:${port}`,
    ...headers,
    ...(body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) }),
  };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  return `${method} ${path} HTTP/1.0\r\n${lines.join('')}\r\n`;
};

const parsed = (bytes: Buffer): ExchangeResponse | undefined => {
  const end = bytes.indexOf('\r\n\r\n');
  const [, status] = /^HTTP\/1\.[01] (\d{3})/.exec(bytes.toString('latin1', 0, 20)) ?? [];
  if (end < 0 || status === undefined) return undefined;
  return { status: Number(status), text: bytes.toString('utf8', end + 4) };
};

/**
 * HTTP/1.0 by hand: a request, an answer, the end. Node's own client takes longer to load than everything else that a
 * short-lived program does.
 */
const speak = (socket: Socket, message: ExchangeRequest): Promise<ExchangeResponse> =>
  new Promise((resolve, reject) => {
    const { host, port, body = '', timeoutMs = 30_000 } = message;
    const chunks: Buffer[] = [];
    const lost = (code: string): void => {
      socket.destroy();
      reject(new DialError(host, port, code));
    };
    socket.setTimeout(timeoutMs, () => lost('ETIMEDOUT'));
    // Who writes to a peer that has left already gets EPIPE; it means the same.
    socket.on('error', ({ code = 'EPIPE' }: NodeJS.ErrnoException) => lost(code === 'EPIPE' ? 'ECONNRESET' : code));
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    socket.on('end', () => {
      const response = parsed(Buffer.concat(chunks));
      if (response === undefined) return lost('ECONNRESET');
      socket.destroy();
      resolve(response);
    });
    socket.on('close', () => lost('ECONNRESET'));
    // A proxy's answer was read from it and it was paused: listening alone does not make it flow again.
    socket.resume();
    socket.write(headOf(message) + body);
  });

/** One HTTP request over {@link dial}, by way of a proxy where one is named. TLS is left out among stand-ins. */
export const exchange = async (message: ExchangeRequest): Promise<ExchangeResponse> => {
  const { host, port, proxy, place, timeoutMs } = message;
  const options = {
    ...(place === undefined ? {} : { place }),
    ...(timeoutMs === undefined ? {} : { timeoutMs: Math.min(timeoutMs, 5000) }),
  };
  const socket = proxy === undefined ? await dial(host, port, options) : await dialThrough(proxy, host, port, options);
  return await speak(socket, message);
};
