import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { admits, plainAddress } from './destination.ts';
import { type Door, judge } from './judge.ts';
import { passOn, refuseRequest } from './pass-on.ts';
import { keepAlive } from './splice.ts';
import { openTunnel } from './tunnel.ts';

/** An HTTP proxy, CONNECT and absolute form, from a closed list of sources to a closed list of destinations. */
export const createProxy = (door: Door, health: () => Readonly<Record<string, unknown>>): Server => {
  const { settings, connections, log } = door;
  // A request may take as long as it likes (a model of gigabytes goes through it); its head may not.
  const server = createServer({ requestTimeout: 0, headersTimeout: 20_000, keepAliveTimeout: 75_000 });
  server.maxConnections = settings.maxConnections;
  server.on('connection', (socket) => {
    connections.hold(socket);
    keepAlive(socket, settings.keepAliveMilliseconds);
  });
  server.on('drop', (dropped) =>
    log('warn', 'refused', { kind: 'proxy', source: dropped?.remoteAddress, reason: 'too many connections' }),
  );
  server.on('connect', (incoming, socket, head) => openTunnel(door, incoming, socket, head));
  server.on('request', (incoming, outgoing) => {
    if (incoming.url === '/healthz') answerHealth(door, health, incoming, outgoing);
    else serve(door, incoming, outgoing);
  });
  server.on('clientError', (_error, socket) => {
    if (socket.writable) socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
  });
  return server;
};

const serve = (door: Door, incoming: IncomingMessage, outgoing: ServerResponse): void => {
  const source = plainAddress(incoming.socket.remoteAddress);
  const url = URL.canParse(incoming.url ?? '') ? new URL(incoming.url ?? '') : undefined;
  const verdict = judge(door.settings, source, url?.protocol === 'http:' ? url.host : '', 80);
  const parties = { source, destination: url?.host ?? '' };
  if ('status' in verdict || url === undefined) {
    const refusal = 'status' in verdict ? verdict : { status: 400, reason: 'an absolute URL is expected' };
    refuseRequest(door, parties, refusal, outgoing);
  } else passOn(door, parties, verdict, url, incoming, outgoing);
};

/** The kubelet asks from the node itself, whose address need not be an allowed source. */
const answerHealth = (
  { settings }: Door,
  health: () => Readonly<Record<string, unknown>>,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): void => {
  const source = plainAddress(incoming.socket.remoteAddress);
  const known = source === settings.hostAddress || admits(settings.sources, source);
  if (known) outgoing.writeHead(200, { 'Content-Type': 'application/json' }).end(`${JSON.stringify(health())}\n`);
  else outgoing.writeHead(403, { Connection: 'close' }).end();
};
