import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface RecordedRequest {
  readonly method: string;
  readonly path: string;
  readonly authorization: string;
  readonly body: unknown;
}

interface Answer {
  readonly status: number;
  readonly body: unknown;
}

export interface FakeApi {
  readonly url: string;
  readonly requests: RecordedRequest[];
  /** The next answers to `METHOD /path`; the last one stays. */
  answer(route: string, ...answers: Answer[]): void;
  close(): Promise<void>;
}

/** The fleet's API as a local server on a free port: answers what it is told to, remembers what it was asked. */
export const startFakeApi = async (): Promise<FakeApi> => {
  const routes = new Map<string, Answer[]>();
  const requests: RecordedRequest[] = [];
  const server = createServer((request, response) => {
    let text = '';
    request.on('data', (chunk) => {
      text += chunk;
    });
    request.on('end', () => {
      const method = request.method ?? '';
      const path = (request.url ?? '').replace(/^\/prod/, '');
      const body: unknown = text === '' ? undefined : JSON.parse(text);
      requests.push({ method, path, authorization: request.headers.authorization ?? '', body });
      const answers = routes.get(`${method} ${path}`) ?? [];
      const answer = (answers.length > 1 ? answers.shift() : answers[0]) ?? {
        status: 404,
        body: { message: 'Not Found' },
      };
      response.writeHead(answer.status, { 'content-type': 'application/json' });
      response.end(JSON.stringify(answer.body));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/prod/`,
    requests,
    answer: (route, ...answers) => routes.set(route, answers),
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
};
