import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { listen } from '../listen.ts';

/**
 * Stand-in for the homelab's control plane, as far as agents and whoever asks about them go: agents tell it of
 * themselves, it tells who it has heard from lately.
 */
interface AgentReport {
  readonly id: string;
  readonly nebula_ip: string;
  readonly type: string;
  readonly instance_id: string;
  readonly public_ip: string;
  /** That EC2 takes the node back, as the node wrote it down. */
  readonly interruption?: unknown;
}

const STALE_MILLISECONDS = 120_000;

const agents = new Map<string, { readonly report: AgentReport; readonly heardAt: number }>();

const textOf = (report: Record<string, unknown>, key: string): string => {
  const value = report[key];
  return typeof value === 'string' ? value : '';
};

const view = ({ report, heardAt }: { readonly report: AgentReport; readonly heardAt: number }) => {
  const connected = Date.now() - heardAt < STALE_MILLISECONDS;
  return {
    ...report,
    connected,
    last_seen: new Date(heardAt).toISOString(),
    stream_active: connected,
    health: connected ? 'HEALTHY' : 'UNKNOWN',
  };
};

const answer = (response: ServerResponse, status: number, body: unknown): void => {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(`${JSON.stringify(body)}\n`);
};

const register = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
  const given = JSON.parse((await buffer(request)).toString('utf8')) as Record<string, unknown>;
  const report = {
    id: textOf(given, 'id'),
    nebula_ip: textOf(given, 'nebula_ip'),
    type: textOf(given, 'type'),
    instance_id: textOf(given, 'instance_id'),
    public_ip: textOf(given, 'public_ip'),
    ...(given.interruption === undefined ? {} : { interruption: given.interruption }),
  };
  if (report.id === '') {
    answer(response, 400, { error: 'id is required' });
    return;
  }
  agents.set(report.id, { report, heardAt: Date.now() });
  answer(response, 200, { accepted: true });
};

const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
  const { method = 'GET', url = '/' } = request;
  const id = /^\/api\/v1\/nodes\/([^/?]+)$/.exec(url)?.[1];
  if (method === 'GET' && url === '/health') answer(response, 200, { status: 'ok' });
  else if (method === 'GET' && url === '/api/v1/nodes') answer(response, 200, [...agents.values()].map(view));
  else if (method === 'POST' && url === '/api/v1/nodes') await register(request, response);
  else if (method === 'DELETE' && id !== undefined) answer(response, agents.delete(id) ? 200 : 404, {});
  else answer(response, 404, { error: 'not found' });
};

const server = createServer((request, response) => {
  serve(request, response).catch((error: unknown) => answer(response, 400, { error: String(error) }));
});

const doors = process.argv
  .slice(2)
  .filter((word) => word !== '--listen')
  .map((door) => ({ host: door.slice(0, door.lastIndexOf(':')), port: Number(door.slice(door.lastIndexOf(':') + 1)) }));

await listen(doors, (socket) => void server.emit('connection', socket));
