import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Server } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { SERVER_NAME_HEADER, WRONG_NAME } from '../client/kube-client.ts';
import { reconcile } from '../controllers/reconcile.ts';
import { type Door, listen } from '../listen.ts';
import { hasKnob, readKnob } from '../place.ts';
import { type ApiResponse, answer } from './api.ts';
import type { Cluster } from './cluster.ts';
import { badRequest, StatusError } from './status.ts';

const TICK_MS = 500;
const BODY_LIMIT = 8_000_000;

const read = async (request: IncomingMessage): Promise<string> => {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > BODY_LIMIT) throw badRequest('the request is too large');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
};

const parsed = (text: string): unknown => {
  if (text === '') return undefined;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw badRequest('the request is not JSON');
  }
};

const respond = async (cluster: Cluster, request: IncomingMessage): Promise<ApiResponse> => {
  const url = new URL(request.url ?? '/', 'http://api');
  try {
    return await answer(cluster, {
      method: request.method ?? 'GET',
      path: url.pathname,
      query: url.searchParams,
      authorization: request.headers.authorization ?? '',
      contentType: request.headers['content-type'] ?? '',
      body: parsed(await read(request)),
    });
  } catch (error) {
    if (error instanceof StatusError) return { status: error.code, body: error };
    const message = `internal error: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`;
    return { status: 500, body: new StatusError(500, 'InternalError', message) };
  }
};

/** The names on the certificate: those the server was started with, or what the knob `tls-sans` says. */
const wrongName = (cluster: Cluster, request: IncomingMessage): string | undefined => {
  const told = readKnob('kube/tls-sans')
    ?.split('\n')
    .map((line) => line.trim());
  const names = (told ?? cluster.options.certificateNames)?.filter((name) => name !== '');
  const expected = request.headers[SERVER_NAME_HEADER];
  if (names === undefined || typeof expected !== 'string' || names.includes(expected)) return undefined;
  return `tls: failed to verify certificate: x509: certificate is valid for ${names.join(', ')}, not ${expected}`;
};

const serve = async (cluster: Cluster, request: IncomingMessage, response: ServerResponse): Promise<void> => {
  const fault = wrongName(cluster, request);
  if (fault !== undefined) {
    response.writeHead(WRONG_NAME).end(fault);
    return;
  }
  if (hasKnob('kube/api-down')) {
    request.destroy();
    return;
  }
  const slow = Number(readKnob('kube/api-slow') ?? '0');
  if (slow > 0) await sleep(slow);
  const { status, body } = await respond(cluster, request);
  if (request.method !== 'GET') reconcile(cluster);
  const isText = typeof body === 'string';
  response.writeHead(status, { 'content-type': isText ? 'text/plain' : 'application/json' });
  response.end(isText ? body : JSON.stringify(body));
};

export interface KubeApi {
  /** Where it listens on TCP; empty on wires. */
  readonly ports: readonly number[];
  close(): Promise<void>;
}

const closed = (server: Server): Promise<void> =>
  new Promise((resolve) => {
    server.close(() => resolve());
  });

/** Answers to paths that are not Kubernetes' own. */
export type Extra = (path: string, authorization: string) => ApiResponse | undefined;

/** Serves a cluster under these addresses and lets its controllers work. */
export const serveCluster = async (cluster: Cluster, doors: readonly Door[], extra?: Extra): Promise<KubeApi> => {
  const http = createServer((request, response) => {
    const own = extra?.(request.url ?? '', request.headers.authorization ?? '');
    if (own === undefined) serve(cluster, request, response).catch(() => request.destroy());
    else response.writeHead(own.status).end(own.body);
  });
  const servers = await listen(doors, (socket) => http.emit('connection', socket));
  reconcile(cluster);
  const timer = setInterval(() => reconcile(cluster), TICK_MS);
  const ports = servers
    .map((server) => server.address())
    .filter((address): address is AddressInfo => typeof address === 'object' && address !== null)
    .map(({ port }) => port);
  return {
    ports,
    async close() {
      clearInterval(timer);
      cluster.store.save();
      http.closeAllConnections();
      await Promise.all(servers.map(closed));
    },
  };
};
