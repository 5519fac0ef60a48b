import { readFileSync } from 'node:fs';
import {
  constants,
  createSecureServer,
  createServer,
  type Http2SecureServer,
  type Http2Server,
  type Http2ServerRequest,
  type Http2ServerResponse,
  type Http2Session,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import type { AddressInfo, Server, Socket } from 'node:net';
import { Code, ConnectError, createConnectRouter, createContextValues } from '@connectrpc/connect';
import { universalRequestFromNodeRequest, universalResponseToNodeResponse } from '@connectrpc/connect-node';
import { ConfigurationError } from '#shared/errors.ts';
import { AgentControl } from '../../proto/generated/ec2agent/v1/agent_pb.js';
import { type Log, reasonOf } from '../../shared/log.ts';
import type { Endpoint, Settings } from '../settings.ts';
import { Connection } from './connections.ts';
import { CONNECTION, createService, type ServiceDeps } from './service.ts';

/** What one message may weigh. A status has some kilobytes. */
const READ_BYTES = 1024 * 1024;
const WRITE_BYTES = 16 * 1024 * 1024;
/** An agent needs its stream and one call beside it. */
const STREAMS_PER_CONNECTION = 16;
const CLOSING_MILLISECONDS = 1000;

export interface GrpcServer {
  readonly address: AddressInfo;
  connections(): number;
  close(): Promise<void>;
}

type Handler = (request: Http2ServerRequest, response: Http2ServerResponse) => void;

/** An answer that is complete ends the call, even if the agent never says that it has ended, too. */
const endSoon = (stream: ServerHttp2Stream): void => {
  const overdue = setTimeout(() => stream.close(constants.NGHTTP2_NO_ERROR), CLOSING_MILLISECONDS).unref();
  stream.once('close', () => clearTimeout(overdue));
};

/** Connect's own adapter throws where a request has no usable authority, and writes to the console. */
const handlerOf = (deps: ServiceDeps, connections: Map<Http2Session, Connection>, log: Log): Handler => {
  const router = createConnectRouter({
    grpcWeb: false,
    connect: false,
    acceptCompression: [],
    readMaxBytes: READ_BYTES,
    writeMaxBytes: WRITE_BYTES,
  }).service(AgentControl, createService(deps));
  const handlers = new Map(router.handlers.map((handler) => [handler.requestPath, handler]));
  const serve = async (request: Http2ServerRequest, response: Http2ServerResponse): Promise<void> => {
    const handler = handlers.get(request.url);
    if (handler === undefined) {
      response.writeHead(404).end();
      return;
    }
    const { session } = request.stream;
    const values = createContextValues().set(CONNECTION, session === undefined ? undefined : connections.get(session));
    const answer = await handler(universalRequestFromNodeRequest(request, response, undefined, values));
    await universalResponseToNodeResponse(answer, response);
  };
  return (request, response) => {
    // Both pass on what befalls the stream, which would end the process if nobody listened.
    request.on('error', () => {});
    response.on('error', () => {});
    response.stream.once('wantTrailers', () => endSoon(response.stream));
    serve(request, response).catch((error: unknown) => {
      const { code } = ConnectError.from(error);
      if (code !== Code.Aborted && code !== Code.Canceled) log('debug', 'call failed', { reason: reasonOf(error) });
      response.stream.close(constants.NGHTTP2_INTERNAL_ERROR);
    });
  };
};

const LIMITS = {
  settings: { maxConcurrentStreams: STREAMS_PER_CONNECTION, maxHeaderListSize: 16_384 },
  maxSessionInvalidFrames: 100,
  maxSessionRejectedStreams: 100,
} as const;

const createHttp2 = ({ tls }: Settings, handler: Handler): Http2Server | Http2SecureServer => {
  if (tls === undefined) return createServer(LIMITS, handler);
  try {
    const [cert, key] = [readFileSync(tls.certFile), readFileSync(tls.keyFile)];
    return createSecureServer({ ...LIMITS, cert, key, minVersion: 'TLSv1.2' }, handler);
  } catch (error) {
    throw new ConfigurationError({
      what: `the certificate for agents is not usable: ${reasonOf(error)}`,
      got: `${tls.certFile}, ${tls.keyFile}`,
      allowed: 'a certificate and its key, PEM',
      remedy: 'correct GRPC_TLS_CERT_FILE and GRPC_TLS_KEY_FILE, or leave both out: the mesh encrypts, too',
      cause: error,
    });
  }
};

/** Listens, or says why not in the words of an operator. */
export const listen = async (server: Server, { host, port }: Endpoint, name: string): Promise<AddressInfo> => {
  await new Promise<void>((resolve, reject) => {
    const failed = (cause: Error): void =>
      reject(
        new ConfigurationError({
          what: `cannot listen for ${name}: ${cause.message}`,
          got: `${host}:${port}`,
          allowed: 'a free port on an address of this machine',
          remedy: 'end whatever holds the port, or choose another',
          cause,
        }),
      );
    server.once('error', failed);
    server.listen({ port, ...(host === '' ? {} : { host }) }, () => {
      server.off('error', failed);
      resolve();
    });
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error(`${name} listens on no port`);
  return address;
};

/** Opens the port for agents. Nothing that comes in through it ends the process. */
export const openGrpcServer = async (settings: Settings, deps: ServiceDeps): Promise<GrpcServer> => {
  const { log } = deps;
  const connections = new Map<Http2Session, Connection>();
  const server = createHttp2(settings, handlerOf(deps, connections, log));
  server.maxConnections = settings.maxConnections;
  // Whoever opened TCP and never spoke TLS is no session, and would hold the end up for two minutes.
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  server.on('session', (session: ServerHttp2Session) => {
    connections.set(session, new Connection(session, settings, log, Math.random));
    session.once('close', () => connections.delete(session));
  });
  server.on('sessionError', (error: Error) => log('debug', 'connection failed', { reason: error.message }));
  server.on('drop', () => log('warn', 'connection refused', { reason: 'too many connections' }));
  server.on('tlsClientError', (error: Error) => log('info', 'TLS refused', { reason: error.message }));
  const address = await listen(server, settings.grpc, 'agents');
  server.on('error', (error: Error) => log('error', 'listener failed', { reason: error.message }));
  return {
    address,
    connections: () => connections.size,
    close: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const connection of connections.values())
        connection.close('the control plane is closing', CLOSING_MILLISECONDS);
      const overdue = setTimeout(() => {
        for (const socket of sockets) socket.destroy();
      }, CLOSING_MILLISECONDS);
      await closed;
      clearTimeout(overdue);
    },
  };
};
