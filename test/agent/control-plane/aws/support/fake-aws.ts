import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Received {
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}
export interface Answer {
  readonly status: number;
  readonly body: unknown;
}

/** What IAM Roles Anywhere answers, with a life of an hour unless told. */
export const aSession = (expiration = new Date(Date.now() + 3_600_000)): Answer => ({
  status: 201,
  body: {
    credentialSet: [
      {
        credentials: {
          accessKeyId: 'ASIAEXAMPLE',
          secretAccessKey: 'a-secret-key',
          sessionToken: 'a-session-token',
          expiration: expiration.toISOString(),
        },
      },
    ],
  },
});

const bodyOf = async (request: IncomingMessage): Promise<string> => {
  let text = '';
  for await (const chunk of request) text += String(chunk);
  return text;
};

/** An endpoint that answers as told and remembers what it was asked. */
export const fakeAws = async (answer: (received: Received) => Answer) => {
  const received: Received[] = [];
  const server: Server = createServer((request, response) => {
    void bodyOf(request).then((body) => {
      const one = { path: request.url ?? '', headers: request.headers, body };
      received.push(one);
      const told = answer(one);
      response.writeHead(told.status, { 'content-type': 'application/x-amz-json-1.1' });
      response.end(typeof told.body === 'string' ? told.body : JSON.stringify(told.body));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received,
    close: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(resolve));
    },
  };
};
