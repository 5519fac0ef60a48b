import { createServer } from 'node:http';
import { DialError, dial, doorAdmits, doorIsThere } from '../dial.ts';
import { wiresHere } from '../place.ts';

/**
 * The mesh door where the mesh is played, for programs in a pod that know nothing of wires: listens on the pod's own
 * loopback, under the door's name, and grants what the real one would.
 */
const PORT = 3128;

const server = createServer((_request, response) => {
  response.writeHead(403, { 'content-type': 'text/plain', connection: 'close' }).end('CONNECT only\n');
});

server.on('connection', (socket) => {
  if (!doorIsThere(wiresHere() ?? '')) socket.destroy();
});

server.on('connect', (request, client, head) => {
  client.on('error', () => undefined);
  const [host = '', port = ''] = (request.url ?? '').split(':');
  const refuse = (status: string): void => {
    client.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
  };
  if (!doorAdmits(host, Number(port))) {
    refuse('403 Forbidden');
    return;
  }
  dial(host, Number(port), { place: 'homelab-host' })
    .then((target) => {
      target.on('error', () => client.destroy());
      client.on('close', () => target.destroy());
      client.write('HTTP/1.1 200 Connection established\r\n\r\n');
      target.write(head);
      client.pipe(target).pipe(client);
    })
    .catch((error: unknown) => {
      refuse(error instanceof DialError && error.code === 'ETIMEDOUT' ? '504 Gateway Timeout' : '502 Bad Gateway');
    });
});

server.listen(PORT, '127.0.0.1');
