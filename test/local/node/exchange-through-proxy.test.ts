import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { exchange } from '../../../local/node/standins/cluster/client/exchange.ts';

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close().closeAllConnections();
});

const listening = async (server: Server): Promise<number> => {
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
};

describe('a request of the stand-ins through a proxy that is a program of its own', () => {
  it('gets its answer', async () => {
    const target = await listening(createServer((_request, response) => response.end('ok')));
    const proxy = createServer().on('connect', (request, client) => {
      const onward = connect(Number(request.url?.split(':')[1]), '127.0.0.1', () => {
        client.write('HTTP/1.1 200 Connection established\r\n\r\n');
        client.pipe(onward).pipe(client);
      });
    });
    const url = `http://127.0.0.1:${await listening(proxy)}`;

    const answer = await exchange({ method: 'GET', host: '127.0.0.1', port: target, path: '/livez', proxy: url });

    expect(answer).toEqual({ status: 200, text: 'ok' });
  });
});
