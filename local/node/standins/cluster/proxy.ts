import type { Socket } from 'node:net';
import { DialError, type DialOptions, dial, doorAdmits, doorIsThere, playsDoor } from './dial.ts';
import { wiresHere } from './place.ts';

/** A proxy that was reached and said no. */
export class ProxyError extends Error {
  override readonly name = 'ProxyError';
}

const HEAD_LIMIT = 16_384;

const readHead = (socket: Socket): Promise<string> =>
  new Promise((resolve, reject) => {
    let head = '';
    const onData = (chunk: Buffer): void => {
      head += chunk.toString('latin1');
      const end = head.indexOf('\r\n\r\n');
      if (end < 0 && head.length < HEAD_LIMIT) return;
      socket.off('data', onData).off('close', onClose).pause();
      if (end >= 0 && head.length > end + 4) socket.unshift(Buffer.from(head.slice(end + 4), 'latin1'));
      resolve(head);
    };
    const onClose = (): void => reject(new ProxyError('proxyconnect tcp: unexpected EOF'));
    socket.on('data', onData).once('close', onClose);
  });

const playedDoor = async (host: string, port: number, door: URL, options: DialOptions): Promise<Socket> => {
  if (!doorIsThere(wiresHere() ?? '')) throw new DialError(door.hostname, Number(door.port), 'ECONNREFUSED');
  if (!doorAdmits(host, port)) throw new ProxyError('Forbidden');
  try {
    return await dial(host, port, { ...options, place: 'homelab-host' });
  } catch {
    throw new ProxyError('Bad Gateway');
  }
};

/** A connection by way of an HTTP CONNECT proxy. */
export const dialThrough = async (
  proxy: string,
  host: string,
  port: number,
  options: DialOptions = {},
): Promise<Socket> => {
  const url = new URL(proxy);
  if (playsDoor(url.hostname)) return await playedDoor(host, port, url, options);
  const socket = await dial(url.hostname, Number(url.port || '80'), options);
  socket.on('error', () => undefined);
  socket.write(`CONNECT ${host}:${port} HTTP/1.1\r\nHost: ${host}:${port}\r\n\r\n`);
  const head = await readHead(socket);
  const status = /^HTTP\/1\.[01] (\d{3}) ?([^\r\n]*)/.exec(head);
  if (status?.[1] === '200') return socket;
  socket.destroy();
  throw new ProxyError(status?.[2] || 'malformed HTTP response');
};
