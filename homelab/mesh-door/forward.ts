import { createServer, type Server, type Socket } from 'node:net';
import { dial } from './connections.ts';
import { admits, plainAddress } from './destination.ts';
import type { Door } from './judge.ts';
import { keepAlive, splice } from './splice.ts';

interface Target {
  readonly host: string;
  readonly targetPort: number;
}

/** Carries workers' connections from the mesh to the control plane; anybody else is reset. */
export const createForward = (door: Door, target: Target): Server => {
  const server = createServer({ allowHalfOpen: true }, (client) => carry(door, target, client));
  server.maxConnections = door.settings.maxConnections;
  server.on('drop', (dropped) =>
    door.log('warn', 'refused', { kind: 'forward', source: dropped?.remoteAddress, reason: 'too many connections' }),
  );
  return server;
};

const carry = ({ settings, connections, log }: Door, { host, targetPort }: Target, client: Socket): void => {
  const source = plainAddress(client.remoteAddress);
  const facts = { kind: 'forward', source, destination: `${host}:${targetPort}` };
  client.on('error', () => {});
  if (!admits(settings.mesh, source)) {
    log('warn', 'refused', { ...facts, reason: `${source} is no mesh address` });
    client.resetAndDestroy();
    return;
  }
  connections.hold(client);
  keepAlive(client, settings.keepAliveMilliseconds);
  const started = Date.now();
  const elapsed = () => ({ milliseconds: Date.now() - started });
  const upstream = dial({ host, port: targetPort }, settings, (outcome) => {
    if ('status' in outcome) {
      log('warn', 'refused', { ...facts, reason: outcome.reason });
      client.resetAndDestroy();
      return;
    }
    log('info', 'opened', { ...facts, ...elapsed() });
    splice(client, outcome, (carried) => log('info', 'closed', { ...facts, ...elapsed(), ...carried }));
  });
  connections.hold(upstream);
  client.once('close', () => upstream.connecting && upstream.destroy());
};
