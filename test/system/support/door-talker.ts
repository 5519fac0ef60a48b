import { connect, createServer, type Socket } from 'node:net';
import { createInterface } from 'node:readline';

/**
 * One side of a conversation in a network namespace. Says on standard output what happens (`listening`, `open`, `data …`,
 * `end`, `refused …`, `error …`) and sends what it reads on standard input.
 *
 *     door-talker.ts listen ADDRESS PORT
 *     door-talker.ts connect ADDRESS PORT [AUTHORITY]     through an HTTP proxy where an authority is named
 */
const say = (line: string): void => void process.stdout.write(`${line}\n`);
const sockets = new Set<Socket>();

const take = (socket: Socket): void => {
  sockets.add(socket);
  socket.setEncoding('utf8');
  socket.on('data', (text: string) => say(`data ${text.trim()}`));
  socket.on('end', () => say('end'));
  socket.on('error', (error: NodeJS.ErrnoException) => say(`error ${error.code ?? error.message}`));
  socket.on('close', () => sockets.delete(socket));
};

const listen = (address: string, port: number): void => {
  createServer((socket) => {
    say(`open ${socket.remoteAddress}`);
    take(socket);
  })
    .on('error', (error) => say(`error ${error.message}`))
    .listen(port, address, () => say('listening'));
};

const throughProxy = (socket: Socket, authority: string): void => {
  socket.write(`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n\r\n`);
  socket.once('data', (head: Buffer) => {
    const [status = ''] = head.toString().split('\r\n');
    if (!status.includes(' 200 ')) return say(`refused ${status}`);
    say('open');
    take(socket);
  });
};

const dial = (address: string, port: number, authority: string | undefined): void => {
  const socket = connect({ host: address, port });
  const limit = setTimeout(() => {
    say('error silence');
    socket.destroy();
  }, 10_000);
  socket.on('error', (error: NodeJS.ErrnoException) => say(`error ${error.code ?? error.message}`));
  socket.on('connect', () => {
    clearTimeout(limit);
    if (authority !== undefined) return throughProxy(socket, authority);
    say('open');
    take(socket);
  });
};

const [mode, address = '', port = '', authority] = process.argv.slice(2);
createInterface({ input: process.stdin }).on('line', (line) => {
  for (const socket of sockets) socket.write(`${line}\n`);
});
if (mode === 'listen') listen(address, Number(port));
else dial(address, Number(port), authority);
