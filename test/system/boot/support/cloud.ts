import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { Server } from 'node:net';
import { join } from 'node:path';
import type { FakeInstance } from '../../../ssm/fake-instance.ts';
import { certificateFor } from './certificates.ts';
import type { Ground } from './ground.ts';

export const METADATA_ADDRESS = '169.254.169.254';
/** Of TEST-NET-3 (RFC 5737): Secrets Manager's, as far as machines are concerned. */
export const SECRETS_ADDRESS = '203.0.113.10';
export const SECRETS_NAME = 'secretsmanager.us-west-2.amazonaws.com';

/** A listening port in the network of the ground, served by this process. */
const listenOn = async (ground: Ground, host: string, port: number): Promise<Server> => {
  const program = [process.execPath, join(import.meta.dirname, 'listen-main.ts'), host, String(port)];
  const child = ground.spawn(program, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  const answer = await Promise.race([
    once(child, 'message').then(([, server]) => server as Server),
    once(child, 'exit').then(() => undefined),
  ]);
  if (answer === undefined) throw new Error(`nobody can listen on ${host}:${port} in the test's network`);
  return answer;
};

/**
 * Instance metadata and Secrets Manager (over TLS, by a certificate of our own authority) for all machines of a test;
 * who asks is known by the address, as on EC2.
 */
export const startCloud = async (ground: Ground) => {
  const instances = new Map<string, FakeInstance>();
  const { authorityPem, certificatePem, keyPem } = certificateFor(SECRETS_NAME);
  const instanceOf = (request: IncomingMessage) => instances.get(request.socket.remoteAddress ?? '');
  const answer: RequestListener = async (request, response) => {
    const instance = instanceOf(request);
    if (instance === undefined) request.socket.destroy();
    else await instance.serve(request, response);
  };
  const metadata = createServer(answer);
  const secrets = createTlsServer({ cert: certificatePem, key: keyPem }, answer);
  const [plain, tls] = await Promise.all([
    listenOn(ground, METADATA_ADDRESS, 80),
    listenOn(ground, SECRETS_ADDRESS, 443),
  ]);
  plain.on('connection', (socket) => metadata.emit('connection', socket));
  tls.on('connection', (socket) => secrets.emit('connection', socket));
  return {
    /** What machines must trust. */
    authorityPem,
    /** By the machine's private address. */
    instances,
    close: () => {
      for (const server of [plain, tls]) server.close();
      for (const server of [metadata, secrets]) server.closeAllConnections();
    },
  };
};

export type Cloud = Awaited<ReturnType<typeof startCloud>>;
