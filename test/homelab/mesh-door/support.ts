import { connect, createServer, type Server, type Socket } from 'node:net';
import { jsonLog } from '../../../agent/shared/log.ts';
import { openDoor } from '../../../homelab/mesh-door/door.ts';
import { readSettings } from '../../../homelab/mesh-door/settings.ts';
import { freePort } from '../../../local/process/free-port.ts';
import { until } from '../../support/eventually.ts';

export interface Line {
  readonly level: string;
  readonly event: string;
  readonly [key: string]: unknown;
}

/**
 * A door on loopback: 127.0.0.1 is the homelab's node, 127.9.0.0/16 the mesh, 127.9.0.1 the door's address in it and
 * 127.0.0.0/16 the pods.
 */
export const aDoor = async (overrides: NodeJS.ProcessEnv = {}) => {
  const port = await freePort();
  const lines: Line[] = [];
  const settings = readSettings({
    DOOR_HOST_ADDRESS: '127.0.0.1',
    DOOR_PROXY_PORT: String(port),
    DOOR_SOURCES: '127.0.0.0/16',
    DOOR_MESH_ADDRESS: '127.9.0.1',
    DOOR_MESH_CIDR: '127.9.0.0/16',
    DOOR_DRAIN_SECONDS: '0',
    ...overrides,
  });
  const door = openDoor(
    settings,
    jsonLog((line) => lines.push(JSON.parse(line) as Line)),
  );
  const said = (event: string): Promise<Line> => until(event, () => lines.find((line) => line.event === event));
  await said('listening');
  return { port, lines, until: said, close: () => door.close() };
};

/** A server somewhere in 127/8 that treats each connection as told. */
export const aServer = async (host: string, port: number, serve: (socket: Socket) => void): Promise<Server> => {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => {});
    serve(socket);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(port, host, resolve);
  });
  return server;
};

export interface Conversation {
  readonly socket: Socket;
  /** Everything received so far. */
  text(): string;
  /** Resolves when the other side has ended or broken off. */
  readonly ended: Promise<'end' | 'reset'>;
  until(pattern: RegExp): Promise<string>;
}

export const talk = (
  port: number,
  first: string,
  options: { host?: string; localAddress?: string } = {},
): Conversation => {
  const { host = '127.0.0.1', localAddress } = options;
  const socket = connect({ port, host, allowHalfOpen: true, ...(localAddress === undefined ? {} : { localAddress }) });
  let received = '';
  socket.setEncoding('latin1').on('data', (chunk: string) => {
    received += chunk;
  });
  const ended = new Promise<'end' | 'reset'>((resolve) => {
    socket.once('end', () => resolve('end')).once('error', () => resolve('reset'));
  });
  socket.write(first);
  return {
    ...{ socket, text: () => received, ended },
    until: (pattern) => until(`${pattern}`, () => pattern.test(received) && received),
  };
};

export const CONNECT = (authority: string): string => `CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n\r\n`;
