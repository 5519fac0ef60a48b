import { createServer, type IncomingMessage, request, type Server } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { freePort } from '../../../local/process/free-port.ts';
import { aDoor, talk } from './support.ts';

const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

interface Seen {
  method: string | undefined;
  url: string | undefined;
  headers: IncomingMessage['headers'];
  body: string;
}

/** An Ollama at 127.9.2.1 that keeps what it was asked, and a door in front of it. */
const ollama = async (overrides: NodeJS.ProcessEnv = {}) => {
  const seen: Seen[] = [];
  const server: Server = createServer((incoming, outgoing) => {
    let body = '';
    incoming.on('data', (chunk) => {
      body += chunk;
    });
    incoming.on('end', () => {
      seen.push({ method: incoming.method, url: incoming.url, headers: incoming.headers, body });
      if (incoming.url === '/torn') {
        outgoing.writeHead(200, { 'Content-Length': '100' }).write('half');
        setTimeout(() => outgoing.socket?.resetAndDestroy(), 20);
      } else outgoing.writeHead(201, { 'X-Model': 'llama', Connection: 'close' }).end('{"models":[]}');
    });
  });
  const port = await new Promise<number>((resolve) => {
    server.listen(0, '127.9.2.1', () => {
      const address = server.address();
      resolve(typeof address === 'object' && address !== null ? address.port : 0);
    });
  });
  cleanUps.push(() => {
    server.closeAllConnections();
    server.close();
  });
  const door = await aDoor({ DOOR_PORTS: String(port), ...overrides });
  cleanUps.push(door.close);
  return { seen, port, door };
};

const ask = (proxy: number, url: string, options: { method?: string; body?: string } = {}) =>
  new Promise<{ status: number | undefined; headers: IncomingMessage['headers']; text: string }>((resolve, reject) => {
    const { method = 'GET', body } = options;
    const headers = { Host: 'elsewhere', 'Proxy-Authorization': 'Basic eDp5', 'X-Mine': 'kept' };
    const outgoing = request({ host: '127.0.0.1', port: proxy, path: url, method, headers, agent: false }, (answer) => {
      let text = '';
      answer.on('data', (chunk) => {
        text += chunk;
      });
      answer.on('end', () => resolve({ status: answer.statusCode, headers: answer.headers, text }));
      answer.on('error', reject);
    });
    outgoing.on('error', reject);
    outgoing.end(body);
  });

describe('a request for an absolute URL', () => {
  it('reaches the worker with its own headers and without those for the proxy', async () => {
    const { port, door, seen } = await ollama();

    const answer = await ask(door.port, `http://127.9.2.1:${port}/api/tags?x=1`, { method: 'POST', body: '{"a":1}' });

    expect(answer).toMatchObject({ status: 201, text: '{"models":[]}' });
    expect(answer.headers['x-model']).toBe('llama');
    expect(seen).toMatchObject([{ method: 'POST', url: '/api/tags?x=1', body: '{"a":1}' }]);
    expect(seen[0]?.headers).toMatchObject({ host: `127.9.2.1:${port}`, 'x-mine': 'kept' });
    expect(seen[0]?.headers).not.toHaveProperty('proxy-authorization');
  });

  it('leaves neither path nor header in the log', async () => {
    const { port, door } = await ollama();

    await ask(door.port, `http://127.9.2.1:${port}/api/secret-model`);

    expect(door.lines.find(({ event }) => event === 'passed')).toMatchObject({ destination: `127.9.2.1:${port}` });
    expect(JSON.stringify(door.lines)).not.toMatch(/secret-model|eDp5/);
  });

  it('breaks off where the worker breaks off', async () => {
    const { port, door } = await ollama();

    await expect(ask(door.port, `http://127.9.2.1:${port}/torn`)).rejects.toThrow(/aborted|hang up|reset/i);
  });

  it.each([
    ['http://127.0.0.1:6443/', 403, 'is no mesh address'],
    ['http://worker:6443/', 403, 'is a name'],
    ['http://127.9.2.1/', 403, 'port 80 is not among'],
    ['https://127.9.2.1:6443/', 400, 'no host and port'],
    ['/api/tags', 400, 'no host and port'],
  ])('%s is refused with %s: %s', async (url, status, reason) => {
    const door = await aDoor();
    cleanUps.push(door.close);

    const answer = await ask(door.port, url);

    expect(answer.status).toBe(status);
    expect(answer.text).toContain(reason);
  });

  it('is refused with 502 where nothing listens', async () => {
    const unused = await freePort();
    const door = await aDoor({ DOOR_PORTS: String(unused) });
    cleanUps.push(door.close);

    const answer = await ask(door.port, `http://127.9.2.9:${unused}/`);

    expect(answer.status).toBe(502);
    expect(answer.text).toContain('nothing listens there');
  });

  it('is malformed: 400, and the door stays open', async () => {
    const door = await aDoor();
    cleanUps.push(door.close);

    const client = talk(door.port, 'nonsense\r\n\r\n');
    await client.ended;

    expect(client.text()).toContain('400 Bad Request');
    expect((await ask(door.port, '/healthz')).status).toBe(200);
  });
});

describe('/healthz', () => {
  it('tells whether the forward listens', async () => {
    const door = await aDoor({
      DOOR_FORWARD_TO: '127.0.0.1:1',
      DOOR_MESH_ADDRESS: '192.0.2.1',
      DOOR_MESH_CIDR: '192.0.2.0/24',
    });
    cleanUps.push(door.close);

    const answer = await ask(door.port, '/healthz');

    expect(JSON.parse(answer.text)).toMatchObject({ status: 'ok', forward: 'waiting' });
  });

  it('is not for strangers', async () => {
    const door = await aDoor({ DOOR_SOURCES: '192.168.1.0/24' });
    cleanUps.push(door.close);

    const client = talk(door.port, 'GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n', { localAddress: '127.1.0.1' });
    await client.ended;

    expect(client.text()).toContain('403');
  });
});
