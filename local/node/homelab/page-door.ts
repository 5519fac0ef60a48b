import { constants, type FileHandle, lstat, open } from 'node:fs/promises';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { basename, dirname } from 'node:path';

/** A port of this machine's loopback interface that leads to a Unix socket. */
export interface PageDoor {
  readonly url: string;
  close(): Promise<void>;
}

/** A socket's path may have 107 characters, which a clone deep in somebody's home exceeds: this one is always short. */
const shortPath = ({ fd }: FileHandle, socket: string): string => `/proc/self/fd/${fd}/${basename(socket)}`;

/**
 * Opens a free port of the loopback interface for the page of a control plane in a cell, whose own network nobody
 * outside it can reach.
 */
export const openPageDoor = async (socket: string): Promise<PageDoor> => {
  const folder = await open(dirname(socket), constants.O_RDONLY | constants.O_DIRECTORY);
  const connections = new Set<Socket>();
  const carry = async (near: Socket): Promise<void> => {
    // Only what a bridge listens on: a link that led elsewhere would open the machine to a page.
    if (!(await lstat(socket)).isSocket()) throw new Error(`${socket} is no socket`);
    const far = connect(shortPath(folder, socket));
    far.on('error', () => near.destroy()).on('close', () => near.destroy());
    near.on('close', () => far.destroy());
    near.pipe(far).pipe(near);
  };
  const server = createServer((near) => {
    connections.add(near);
    near.on('error', () => near.destroy()).once('close', () => connections.delete(near));
    carry(near).catch(() => near.destroy());
  });
  const listening = Promise.withResolvers<void>();
  server.once('error', listening.reject).listen(0, '127.0.0.1', listening.resolve);
  await listening.promise;
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const connection of connections) connection.destroy();
      await closed;
      await folder.close();
    },
  };
};
