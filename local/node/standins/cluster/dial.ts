import { existsSync, statSync } from 'node:fs';
import { createConnection, type Socket } from 'node:net';
import { join } from 'node:path';
import { isMeshAddress, type Place, placeHere, STANDINS, wiresHere } from './place.ts';

const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  EHOSTUNREACH: 'no route to host',
  ENETUNREACH: 'network is unreachable',
  ETIMEDOUT: 'i/o timeout',
  ECONNRESET: 'connection reset by peer',
};

/** A connection that did not come about; the message reads like that of a Go program. */
export class DialError extends Error {
  readonly code: string;
  constructor(host: string, port: number, code: string) {
    super(
      code === 'ENOTFOUND'
        ? `dial tcp: lookup ${host}: no such host`
        : `dial tcp ${host}:${port}: ${code === 'ETIMEDOUT' ? '' : 'connect: '}${REASONS[code] ?? code}`,
    );
    this.name = 'DialError';
    this.code = code;
  }
}

export interface DialOptions {
  /** @default - what `/run/standins/place` says */
  readonly place?: Place;
  /** @default 5000 */
  readonly timeoutMs?: number;
}

const isLoopback = (host: string): boolean => host === '127.0.0.1' || host === 'localhost' || host === '::1';

/** The socket file behind which an address of this node, or of another, is served. */
export const wireOf = (wires: string, host: string, port: number): string =>
  isLoopback(host) ? join(STANDINS, 'wires', `127.0.0.1:${port}.sock`) : join(wires, `${host}:${port}.sock`);

/** What the mesh door of a homelab lets through. */
const DOOR_PORTS = [6443, 8080, 11434];

export const doorAdmits = (host: string, port: number): boolean => isMeshAddress(host) && DOOR_PORTS.includes(port);

const isDoor = (host: string): boolean => /^mesh-door(\.|$)/.test(host);

/** Without a network the door is played: the connection to it is handed to whoever speaks CONNECT (`dialThrough`). */
export const playsDoor = (host: string): boolean => wiresHere() !== undefined && isDoor(host);

export const doorIsThere = (wires: string): boolean => !existsSync(join(wires, 'door.down'));

/** In the mesh's absence its rules: pods of the homelab have no route to it; nor has a node whose Nebula is not up. */
const refusalByRule = (host: string, place: Place): string | undefined => {
  if (!isMeshAddress(host)) return undefined;
  if (place === 'homelab-pod') return 'EHOSTUNREACH';
  if (place === 'node' && !existsSync(join(STANDINS, 'nebula/device'))) return 'ENETUNREACH';
  return undefined;
};

const isSocket = (path: string): boolean => {
  try {
    return statSync(path).isSocket();
  } catch {
    return false;
  }
};

const opened = (socket: Socket, host: string, port: number, timeoutMs: number): Promise<Socket> =>
  new Promise((resolve, reject) => {
    const fail = (code: string): void => {
      socket.destroy();
      reject(new DialError(host, port, code));
    };
    const timer = setTimeout(() => fail('ETIMEDOUT'), timeoutMs);
    socket.once('error', (error: NodeJS.ErrnoException) => {
      clearTimeout(timer);
      fail(error.code === 'ENOENT' ? 'ECONNREFUSED' : (error.code ?? 'ECONNREFUSED'));
    });
    socket.once('connect', () => {
      clearTimeout(timer);
      socket.removeAllListeners('error');
      resolve(socket);
    });
  });

/**
 * Opens a connection as a program in this place could: over the real network, or where there is none over the wires,
 * under the rules that the network would have had.
 */
export const dial = async (host: string, port: number, options: DialOptions = {}): Promise<Socket> => {
  const { place = placeHere(), timeoutMs = 5000 } = options;
  const wires = wiresHere();
  if (wires === undefined) return await opened(createConnection({ host, port }), host, port, timeoutMs);
  const refusal = refusalByRule(host, place);
  if (refusal !== undefined) throw new DialError(host, port, refusal);
  const path = wireOf(wires, host, port);
  if (!isSocket(path)) throw new DialError(host, port, noSocketCode(host));
  return await opened(createConnection({ path }), host, port, timeoutMs);
};

const noSocketCode = (host: string): string => {
  if (/[a-z]/i.test(host) && !isLoopback(host)) return 'ENOTFOUND';
  return isLoopback(host) ? 'ECONNREFUSED' : 'EHOSTUNREACH';
};
