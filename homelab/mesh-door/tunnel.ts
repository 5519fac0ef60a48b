import { type IncomingMessage, STATUS_CODES } from 'node:http';
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { dial } from './connections.ts';
import { plainAddress } from './destination.ts';
import { type Door, judge, type Refusal } from './judge.ts';
import { splice } from './splice.ts';

const answerRefusal = (socket: Socket, { status, reason }: Refusal): void => {
  const body = `${reason}\n`;
  // Programs show the words behind the number, and nothing of the body.
  const words = reason.replace(/[^ -~]/g, ' ').slice(0, 200);
  const fields = `Connection: close\r\nContent-Type: text/plain\r\nContent-Length: ${Buffer.byteLength(body)}`;
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}: ${words}\r\n${fields}\r\n\r\n${body}`);
};

/** CONNECT: a byte stream to a worker, as long as both sides like. */
export const openTunnel = (door: Door, incoming: IncomingMessage, socket: Duplex, head: Buffer): void => {
  // The server makes TCP sockets only.
  if (!(socket instanceof Socket)) {
    socket.destroy();
    return;
  }
  const { settings, connections, log } = door;
  const facts = { kind: 'connect', source: plainAddress(socket.remoteAddress), destination: incoming.url ?? '' };
  const refuse = (refusal: Refusal): void => {
    log('warn', 'refused', { ...facts, ...refusal });
    if (socket.writable) answerRefusal(socket, refusal);
  };
  socket.on('error', () => {});
  const verdict = judge(settings, facts.source, facts.destination);
  if ('status' in verdict) {
    refuse(verdict);
    return;
  }
  const started = Date.now();
  const elapsed = () => ({ milliseconds: Date.now() - started });
  const upstream = dial({ ...verdict, localAddress: settings.meshAddress }, settings, (outcome) => {
    if ('status' in outcome) return refuse(outcome);
    log('info', 'opened', { ...facts, ...elapsed() });
    socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
    if (head.length > 0) socket.unshift(head);
    splice(socket, outcome, (carried) => log('info', 'closed', { ...facts, ...elapsed(), ...carried }));
  });
  connections.hold(upstream);
  socket.once('close', () => upstream.connecting && upstream.destroy());
};
