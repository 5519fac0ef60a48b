import type { Socket } from 'node:net';

export interface Carried {
  readonly bytesUp: number;
  readonly bytesDown: number;
  readonly error: string | undefined;
}

/** Neither leg may fall idle for long: Nebula forgets a silent TCP connection, and its next packet is lost for good. */
export const keepAlive = (socket: Socket, milliseconds: number): void => {
  socket.setKeepAlive(true, milliseconds);
  socket.setNoDelay(true);
  // Connections may rest as long as they like: watches and agents' streams do.
  socket.setTimeout(0);
};

/**
 * Joins two sockets until both directions have ended. Either side may close its half first; a side that breaks off
 * resets the other, so that nobody takes a torn stream for a whole one.
 */
export const splice = (client: Socket, server: Socket, done: (carried: Carried) => void): void => {
  let error: string | undefined;
  let open = 2;
  const tie = (from: Socket, to: Socket): void => {
    from.pipe(to);
    from.on('error', (cause: NodeJS.ErrnoException) => {
      error ??= cause.code ?? cause.message;
    });
    from.once('close', (broken) => {
      if (broken || !from.readableEnded) to.resetAndDestroy();
      open -= 1;
      if (open === 0) done({ bytesUp: client.bytesRead, bytesDown: server.bytesRead, error });
    });
  };
  tie(client, server);
  tie(server, client);
};
