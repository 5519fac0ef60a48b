import type { Server } from 'node:net';
import type { Log } from './log.ts';

/** The address is not there yet (nebula0 comes up after the door), or an old door still holds the port. */
const LATE = new Set(['EADDRNOTAVAIL', 'EADDRINUSE']);
const RETRY_MILLISECONDS = 1000;

export interface Listener {
  /** Whether it accepts connections now. */
  listening(): boolean;
  /** Takes no new connections; those that are open stay. */
  stop(): void;
}

/**
 * Keeps a server listening: binds as soon as the address exists, and again if the listener ever fails. A listener that
 * is up survives its device (TCP sockets stay bound to an address that is away), so nothing needs to watch nebula0.
 */
export const keepListening = (server: Server, host: string, port: number, name: string, log: Log): Listener => {
  let stopped = false;
  let waitingFor: string | undefined;
  let timer: NodeJS.Timeout | undefined;
  const bind = (): void => void server.listen({ host, port });
  const again = (): void => {
    if (stopped) return;
    timer = setTimeout(bind, RETRY_MILLISECONDS);
  };
  server.on('listening', () => {
    waitingFor = undefined;
    log('info', 'listening', { server: name, address: host, port });
  });
  server.on('error', (error: NodeJS.ErrnoException) => {
    const reason = error.code ?? error.message;
    if (reason !== waitingFor)
      log(LATE.has(reason) ? 'info' : 'error', 'waiting', { server: name, address: host, port, reason });
    waitingFor = reason;
    if (server.listening) server.close(again);
    else again();
  });
  bind();
  return {
    listening: () => server.listening,
    stop: () => {
      stopped = true;
      clearTimeout(timer);
      if (server.listening) server.close();
    },
  };
};
