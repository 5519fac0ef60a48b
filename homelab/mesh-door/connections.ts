import { connect, type Socket } from 'node:net';
import type { Refusal } from './judge.ts';
import type { Settings } from './settings.ts';
import { keepAlive } from './splice.ts';

/** Every socket that is open, so that the end can be orderly. */
export class Connections {
  readonly #open = new Set<Socket>();

  get count(): number {
    return this.#open.size;
  }

  /** Counts the socket until it is closed. */
  hold(socket: Socket): void {
    this.#open.add(socket);
    socket.once('close', () => this.#open.delete(socket));
  }

  end(): void {
    for (const socket of this.#open) socket.end();
  }

  destroy(): void {
    for (const socket of this.#open) socket.destroy();
  }
}

const WORDS: Readonly<Record<string, string>> = {
  EADDRNOTAVAIL: 'the mesh is not up on this node: its mesh address is away',
  ECONNREFUSED: 'nothing listens there',
  EHOSTUNREACH: 'no way there',
  ENETUNREACH: 'no way there',
  ECONNRESET: 'broke off',
  ENOTFOUND: 'the name does not resolve',
};

export const explain = (code: string): string => (WORDS[code] === undefined ? code : `${WORDS[code]} (${code})`);

interface DialTarget {
  readonly host: string;
  readonly port: number;
  /** Binds the socket, so that nothing leaves by another way while that address is away. */
  readonly localAddress?: string;
}

/** Connects within the limit, with keep-alive on; tells once how it went. */
export const dial = (
  target: DialTarget,
  { connectMilliseconds, keepAliveMilliseconds }: Settings,
  done: (outcome: Socket | Refusal) => void,
): Socket => {
  const socket = connect({ ...target, family: 4, allowHalfOpen: true });
  const fail = (status: 502 | 504, reason: string): void => {
    settle();
    // What comes late has no reader.
    socket.on('error', () => {});
    socket.destroy();
    done({ status, reason });
  };
  const onError = (error: NodeJS.ErrnoException): void =>
    fail(error.code === 'ETIMEDOUT' ? 504 : 502, explain(error.code ?? error.message));
  const onClose = (): void => fail(502, 'given up, since the other side left');
  const onConnect = (): void => {
    settle();
    keepAlive(socket, keepAliveMilliseconds);
    done(socket);
  };
  const limit = setTimeout(() => fail(504, `no answer within ${connectMilliseconds / 1000} s`), connectMilliseconds);
  const settle = (): void => {
    clearTimeout(limit);
    socket.off('error', onError).off('close', onClose).off('connect', onConnect);
  };
  socket.on('error', onError).on('close', onClose).on('connect', onConnect);
  return socket;
};
