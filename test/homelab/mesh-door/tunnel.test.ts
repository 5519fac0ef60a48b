import type { Server, Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { freePort } from '../../../local/process/free-port.ts';
import { aDoor, aServer, CONNECT, talk } from './support.ts';

const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

const door = async (overrides: NodeJS.ProcessEnv = {}) => {
  const opened = await aDoor(overrides);
  cleanUps.push(opened.close);
  return opened;
};

/** A worker at 127.9.2.1 on a port of its own, which the door lets through. */
const worker = async (serve: (socket: Socket) => void, host = '127.9.2.1'): Promise<number> => {
  const server: Server = await aServer(host, 0, serve);
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => sockets.add(socket));
  cleanUps.push(() => {
    for (const socket of sockets) socket.destroy();
    return new Promise((resolve) => server.close(resolve));
  });
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
};

describe('a tunnel', () => {
  it('carries bytes both ways, from the mesh address, and says so without saying what', async () => {
    let seen: string | undefined;
    const port = await worker((socket) => {
      seen = socket.remoteAddress;
      socket.pipe(socket);
    });
    const { port: proxy, until, lines } = await door({ DOOR_PORTS: String(port) });

    const client = talk(proxy, `${CONNECT(`127.9.2.1:${port}`)}early secret`);
    await client.until(/^HTTP\/1.1 200 [^\r]*\r\n\r\nearly secret$/);
    client.socket.end();
    await client.ended;

    expect(seen).toBe('127.9.0.1');
    expect(await until('closed')).toMatchObject({
      source: '127.0.0.1',
      destination: `127.9.2.1:${port}`,
      bytesDown: 12,
    });
    expect(JSON.stringify(lines)).not.toContain('secret');
  });

  it('lets the client close its half first and still brings the answer', async () => {
    const port = await worker((socket) => {
      let asked = '';
      socket.on('data', (chunk) => {
        asked += chunk;
      });
      socket.on('end', () => socket.end(`answer to ${asked}`));
    });
    const { port: proxy } = await door({ DOOR_PORTS: String(port) });
    const client = talk(proxy, CONNECT(`127.9.2.1:${port}`));
    await client.until(/200/);

    client.socket.end('question');

    await client.until(/answer to question$/);
    expect(await client.ended).toBe('end');
  });

  it('lets the worker close its half first and still takes what the client sends', async () => {
    let late = '';
    const port = await worker((socket) => {
      socket.end('done');
      socket.on('data', (chunk) => {
        late += chunk;
      });
    });
    const { port: proxy, until } = await door({ DOOR_PORTS: String(port) });
    const client = talk(proxy, CONNECT(`127.9.2.1:${port}`));
    expect(await client.ended).toBe('end');

    client.socket.end('afterwards');
    await until('closed');

    expect(late).toBe('afterwards');
  });

  it('resets the client when the worker breaks off, so that nobody takes it for the end', async () => {
    const port = await worker((socket) => {
      socket.write('half an ans');
      setTimeout(() => socket.resetAndDestroy(), 20);
    });
    const { port: proxy } = await door({ DOOR_PORTS: String(port) });

    const client = talk(proxy, CONNECT(`127.9.2.1:${port}`));

    expect(await client.ended).toBe('reset');
  });

  it.each([
    ['a name', 'localhost:6443', '403 Forbidden: localhost is a name'],
    ['an address outside the mesh', '127.0.0.1:6443', '403 Forbidden: 127.0.0.1 is no mesh address'],
    ['a port that is not on the list', '127.9.2.1:22', '403 Forbidden: port 22 is not among 6443, 11434, 8080'],
    ["the door's own node", '127.9.0.1:6443', "403 Forbidden: 127.9.0.1 is the door's own address"],
    ['no port', '127.9.2.1', '400 Bad Request'],
    ['port 0', '127.9.2.1:0', '400 Bad Request'],
    ['an IPv6 address', '[::1]:6443', '400 Bad Request'],
  ])('is refused to %s, with the reason', async (_, authority, answer) => {
    const { port, until } = await door();

    const client = talk(port, CONNECT(authority));

    expect(await client.ended).toBe('end');
    expect(client.text()).toContain(`HTTP/1.1 ${answer}`);
    expect(await until('refused')).toMatchObject({ level: 'warn', destination: authority });
  });

  it('is refused to a port where nothing listens, with the reason', async () => {
    const unused = await freePort();
    const { port, until } = await door({ DOOR_PORTS: String(unused) });

    const client = talk(port, CONNECT(`127.9.2.1:${unused}`));
    await client.ended;

    expect(client.text()).toContain('HTTP/1.1 502 Bad Gateway: nothing listens there (ECONNREFUSED)');
    expect(await until('refused')).toMatchObject({ level: 'warn', destination: `127.9.2.1:${unused}` });
  });

  it('is refused to a source that is not on the list', async () => {
    const { port } = await door();

    const client = talk(port, CONNECT('127.9.2.1:6443'), { localAddress: '127.1.0.1' });
    await client.ended;

    expect(client.text()).toContain('HTTP/1.1 403 Forbidden: 127.1.0.1 is no allowed source');
  });

  it('is refused with 502 while the mesh address is away, instead of leaving by another way', async () => {
    const port = await worker((socket) => socket.end('leaked'));
    const { port: proxy } = await door({
      DOOR_PORTS: String(port),
      DOOR_MESH_ADDRESS: '192.0.2.1',
      DOOR_MESH_CIDR: '192.0.2.0/24,127.9.0.0/16',
    });

    const client = talk(proxy, CONNECT(`127.9.2.1:${port}`));
    await client.ended;

    expect(client.text()).toContain('502 Bad Gateway: the mesh is not up on this node');
    expect(client.text()).not.toContain('leaked');
  });

  it('has a limit of connections', async () => {
    const port = await worker(() => {});
    const { port: proxy, until } = await door({ DOOR_PORTS: String(port), DOOR_MAX_CONNECTIONS: '1' });
    const first = talk(proxy, CONNECT(`127.9.2.1:${port}`));
    await first.until(/200/);

    const second = talk(proxy, CONNECT(`127.9.2.1:${port}`));
    await second.ended;

    expect(second.text()).toBe('');
    expect(await until('refused')).toMatchObject({ reason: 'too many connections' });
    first.socket.destroy();
  });

  it('ends in order when the door closes', async () => {
    const port = await worker((socket) => socket.on('end', () => socket.end()));
    const { port: proxy, close } = await aDoor({ DOOR_PORTS: String(port) });
    const client = talk(proxy, CONNECT(`127.9.2.1:${port}`));
    await client.until(/200/);

    await close();

    expect(await client.ended).toBe('end');
    expect(await talk(proxy, CONNECT(`127.9.2.1:${port}`)).ended).toBe('reset');
  });
});
