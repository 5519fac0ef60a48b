import { chmodSync, mkdirSync, unlinkSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { dirname, join } from 'node:path';
import { wireOf } from './dial.ts';
import { hasKnob, isMeshAddress, placeHere, STANDINS, wiresHere } from './place.ts';

/** An address and port under which a server is to be found. */
export interface Door {
  readonly host: string;
  readonly port: number;
}

const standing = (server: Server, listen: () => void): Promise<Server> =>
  new Promise((resolve, reject) => {
    server.once('error', reject);
    server.once('listening', () => resolve(server));
    listen();
  });

/** A wire to a mesh address carries nothing while this node's Nebula is away. */
const meshIsDown = (host: string): boolean =>
  isMeshAddress(host) && placeHere() === 'node' && !hasKnob(join('nebula', 'device'));

const listenOnWire = async (wires: string, door: Door, serve: (socket: Socket) => void): Promise<Server> => {
  const path = wireOf(wires, door.host, door.port);
  mkdirSync(dirname(path), { recursive: true });
  try {
    unlinkSync(path);
  } catch {
    // Nobody listened here before.
  }
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    if (meshIsDown(door.host)) socket.destroy();
    else serve(socket);
  });
  await standing(server, () => server.listen(path));
  // Nodes may be different users of the machine.
  chmodSync(path, 0o777);
  return server;
};

/**
 * Serves under every one of these addresses: over the wires where there is no network, else once a port on all the
 * addresses of this network namespace.
 */
export const listen = async (doors: readonly Door[], serve: (socket: Socket) => void): Promise<Server[]> => {
  const wires = wiresHere();
  if (wires !== undefined) {
    mkdirSync(join(STANDINS, 'wires'), { recursive: true });
    return await Promise.all(doors.map((door) => listenOnWire(wires, door, serve)));
  }
  const ports = [...new Set(doors.map(({ port }) => port))];
  return await Promise.all(
    ports.map((port) => {
      const server = createServer((socket) => {
        socket.on('error', () => undefined);
        serve(socket);
      });
      return standing(server, () => server.listen(port, '0.0.0.0'));
    }),
  );
};
