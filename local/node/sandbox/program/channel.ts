import { Socket } from 'node:net';
import { createInterface } from 'node:readline';
import type { FromAgent, FromHost } from './protocol.ts';

const CHANNEL_DESCRIPTOR = 3;

export interface Channel {
  send(message: FromAgent): void;
}

/** Opens the line to the host. When the host is gone the agent ends, and with it every process of the cell. */
export const openChannel = (onMessage: (message: FromHost) => void): Channel => {
  const socket = new Socket({ fd: CHANNEL_DESCRIPTOR });
  socket.on('error', () => process.exit(1));
  socket.on('close', () => process.exit(0));
  createInterface({ input: socket }).on('line', (line) => onMessage(JSON.parse(line) as FromHost));
  return { send: (message) => void socket.write(`${JSON.stringify(message)}\n`) };
};
