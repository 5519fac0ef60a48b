import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
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

/** Bucket of the scripts that a machine without our image installs itself with. */
export const BUCKET = 'carrierarr-assets';
const BUCKET_NAME = `${BUCKET}.s3.us-west-2.amazonaws.com`;
/** Where image scripts fetch from, and whether that is AWS. */
const INTERNET: Readonly<Record<string, { readonly aws: boolean }>> = {
  [BUCKET_NAME]: { aws: true },
  'github.com': { aws: false },
  'get.helm.sh': { aws: false },
  'helm.cilium.io': { aws: false },
};

/** Answers with a file of the mirror, a folder for each name. */
const serveFile = (
  mirror: string | undefined,
  name: string,
  { url = '' }: IncomingMessage,
  response: ServerResponse,
) => {
  const file = join(mirror ?? '', name, url);
  if (mirror === undefined || !existsSync(file)) response.writeHead(404).end();
  else response.writeHead(200).end(readFileSync(file));
};

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
  const { authorityPem, certificatePem, keyPem } = certificateFor([SECRETS_NAME, ...Object.keys(INTERNET)]);
  const state: { mirror?: string } = {};
  const instanceOf = (request: IncomingMessage) => instances.get(request.socket.remoteAddress ?? '');
  const answer: RequestListener = async (request, response) => {
    const name = request.headers.host ?? '';
    if (INTERNET[name]?.aws === false) {
      serveFile(state.mirror, name, request, response);
      return;
    }
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
    /** Has the names of the internet answer with the files of a folder. */
    mirror: (folder: string) => {
      state.mirror = folder;
    },
    close: () => {
      for (const server of [plain, tls]) server.close();
      for (const server of [metadata, secrets]) server.closeAllConnections();
    },
  };
};

export type Cloud = Awaited<ReturnType<typeof startCloud>>;
