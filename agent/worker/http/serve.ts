import { createServer, type ServerResponse } from 'node:http';
import { keepListening, type Listener } from '../../shared/listen.ts';
import { type Log, reasonOf } from '../../shared/log.ts';
import { VERSION } from '../../shared/version.ts';
import type { Settings } from '../ports.ts';
import { createRegistry, type Measured } from './metrics.ts';

interface Answer {
  readonly status: number;
  readonly type?: string;
  readonly body: string;
}

const json = (status: number, body: object): Answer => ({ status, body: `${JSON.stringify(body)}\n` });

/** Healthy is an agent that hears its control plane; how the node is, the status says. */
const health = ({ hearing, statuses }: Measured): Answer =>
  json(hearing.healthy() ? 200 : 503, {
    status: hearing.healthy() ? 'ok' : 'unreachable',
    control_plane: hearing.text,
    silent_seconds: hearing.silentSeconds(),
    last_status: statuses.latest?.timestamp === undefined ? null : Number(statuses.latest.timestamp.seconds),
  });

const ready = ({ hearing }: Measured): Answer =>
  json(hearing.connected ? 200 : 503, { ready: hearing.connected, control_plane: hearing.text });

/** The agent's routes. */
export const routes = (measured: Measured): Readonly<Record<string, () => Answer | Promise<Answer>>> => {
  let registry: ReturnType<typeof createRegistry> | undefined;
  return {
    '/health': () => health(measured),
    '/ready': () => ready(measured),
    '/version': () => json(200, { version: VERSION }),
    '/metrics': async () => {
      registry ??= createRegistry(measured);
      const made = await registry;
      return { status: 200, type: made.contentType, body: await made.metrics() };
    },
  };
};

const send = (response: ServerResponse, { status, type = 'application/json', body }: Answer): void => {
  response.writeHead(status, {
    'content-type': type,
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
  });
  response.end(body);
};

/**
 * Serves on the mesh address alone. It may come after the agent, and may go and come back: a listener stays valid.
 * Without a mesh address only this machine is served, never every network that it is in.
 */
export const serveHttp = (
  settings: Pick<Settings, 'nebulaIp' | 'healthPort'>,
  measured: Measured,
  log: Log,
): Listener => {
  const table = routes(measured);
  const server = createServer(
    { requestTimeout: 10_000, headersTimeout: 5000, keepAliveTimeout: 5000 },
    (request, response) => {
      const [path = ''] = (request.url ?? '').split('?');
      const route = Object.hasOwn(table, path) ? table[path] : undefined;
      if (request.method !== 'GET' && request.method !== 'HEAD') send(response, json(405, { error: 'only GET' }));
      else if (route === undefined) send(response, json(404, { error: `only ${Object.keys(table).join(' ')}` }));
      else
        Promise.resolve()
          .then(route)
          .then((answer) => send(response, answer))
          .catch((error: unknown) => {
            log('error', 'request failed', { route: path, reason: reasonOf(error) });
            send(response, json(500, { error: "see the agent's log" }));
          });
    },
  );
  server.maxConnections = 64;
  if (settings.nebulaIp === undefined)
    log('warn', 'no mesh address', { remedy: 'set NEBULA_IP; until then /health is on 127.0.0.1' });
  const listener = keepListening(server, settings.nebulaIp ?? '127.0.0.1', settings.healthPort, 'http', log);
  return {
    listening: listener.listening,
    stop: () => {
      listener.stop();
      server.closeAllConnections();
    },
  };
};
