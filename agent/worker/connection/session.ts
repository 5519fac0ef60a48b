import { type ClientHttp2Session, connect, type OutgoingHttpHeaders } from 'node:http2';
import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { Code, ConnectError } from '@connectrpc/connect';
import type { createGrpcTransport } from '@connectrpc/connect-node';
import { reasonOf } from '../../shared/log.ts';
import type { Clock } from '../ports.ts';
import type { Limits } from './limits.ts';
import { within } from './within.ts';

/** What connect-node sends requests over; it does not export the type. */
export type SessionManager = NonNullable<Parameters<typeof createGrpcTransport>[0]['sessionManager']>;

export interface Target {
  readonly host: string;
  readonly port: number;
  /** PEM of the authorities that may have signed the server; undefined: those of Node.js. Absent: no TLS. */
  readonly tls?: { readonly ca: string | undefined };
  /** Address to connect from: while its device is away nothing leaves by another one. */
  readonly localAddress?: string;
}

/** One HTTP/2 connection: what connect sends calls over, and the news of its end. */
export interface Session {
  readonly manager: SessionManager;
  readonly baseUrl: string;
  /** Resolves with the reason as soon as the connection is of no more use. Never rejects. */
  readonly lost: Promise<string>;
  /** Ends it in order where it can, by force where it cannot. */
  close(graceMs: number): Promise<void>;
}

const baseUrlOf = ({ host, port, tls }: Target): string =>
  `${tls === undefined ? 'http' : 'https'}://${host.includes(':') ? `[${host}]` : host}:${port}`;

const openSocket = ({ host, port, tls, localAddress }: Target): Socket => {
  const from = { host, port, ...(localAddress === undefined ? {} : { localAddress }) };
  const socket =
    tls === undefined
      ? connectTcp(from)
      : connectTls({ ...from, ALPNProtocols: ['h2'], ...(tls.ca === undefined ? {} : { ca: tls.ca }) });
  return socket.setNoDelay(true).setKeepAlive(true, 30_000);
};

/** Pings for ever; what does not answer is lost, even where TCP would wait for a quarter of an hour. */
const keepAlive = async (
  session: ClientHttp2Session,
  clock: Clock,
  limits: Limits,
  over: AbortSignal,
): Promise<void> => {
  for (;;) {
    await clock.sleep(limits.pingEveryMs, over);
    if (over.aborted) return;
    await within({ clock, milliseconds: limits.pingAnswerMs, what: 'the answer to a ping', signal: over }, () => {
      return new Promise<void>((resolve, reject) => {
        session.ping((error) => (error === null ? resolve() : reject(error)));
      });
    });
  }
};

const managerOf = (session: ClientHttp2Session, authority: string): SessionManager => ({
  authority,
  request: async (method: string, path: string, headers: OutgoingHttpHeaders) => {
    if (session.closed || session.destroyed) throw new ConnectError('the connection is closed', Code.Unavailable);
    return session.request({ ...headers, ':method': method, ':path': path });
  },
  notifyResponseByteRead: () => {},
});

const closeSession = async (session: ClientHttp2Session, clock: Clock, graceMs: number): Promise<void> => {
  if (session.destroyed) return;
  const closed = new AbortController();
  session.once('close', () => closed.abort());
  session.close();
  await clock.sleep(graceMs, closed.signal);
  session.destroy();
};

/**
 * Opens one connection. Connect's own manager would open another one by itself after a GOAWAY, and answer calls over it
 * while the stream dies on the old one; here a connection that is ending is lost as a whole.
 */
export const openSession = async (
  target: Target,
  { clock, limits }: { clock: Clock; limits: Limits },
  signal: AbortSignal,
): Promise<Session> => {
  const baseUrl = baseUrlOf(target);
  const session = connect(baseUrl, { createConnection: () => openSocket(target) });
  const over = new AbortController();
  const lost = new Promise<string>((resolve) => {
    over.signal.addEventListener('abort', () => resolve(String(over.signal.reason)));
  });
  const lose = (reason: string): void => over.abort(reason);
  session.on('error', (error) => lose(reasonOf(error)));
  session.on('goaway', (code) => lose(`the control plane ends the connection (GOAWAY ${code})`));
  session.on('close', () => lose('the connection was closed'));
  try {
    const what = `a connection to ${target.host}:${target.port}`;
    await within({ clock, milliseconds: limits.connectMs, what, signal }, () => {
      const connected = new Promise<void>((resolve) => session.once('connect', () => resolve()));
      return Promise.race([
        connected,
        lost.then((reason) => Promise.reject(new ConnectError(reason, Code.Unavailable))),
      ]);
    });
  } catch (error) {
    session.destroy();
    throw error;
  }
  keepAlive(session, clock, limits, over.signal).catch((error: unknown) => lose(reasonOf(error)));
  return {
    manager: managerOf(session, new URL(baseUrl).origin),
    baseUrl,
    lost,
    close: (graceMs) => closeSession(session, clock, graceMs),
  };
};
