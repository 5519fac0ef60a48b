import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { passToAws } from '../../../local/node/aws-door.ts';

interface Seen {
  method: string | undefined;
  url: string | undefined;
  headers: IncomingHttpHeaders;
  body: string;
}

const open: (() => void)[] = [];
afterEach(() => {
  for (const close of open.splice(0)) close();
});

const anEndpoint = async () => {
  const seen: Seen[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => {
      body += chunk.toString();
    });
    request.on('end', () => {
      seen.push({ method: request.method, url: request.url, headers: request.headers, body });
      response.writeHead(400, { 'x-amzn-requestid': 'r-1', 'content-type': 'application/x-amz-json-1.1' });
      response.end('{"__type":"ResourceNotFoundException"}');
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  open.push(() => server.close());
  return { seen, endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
};

describe('the door to AWS', () => {
  it('passes a signed call on unchanged and brings the answer back', async () => {
    const { seen, endpoint } = await anEndpoint();

    const answer = await passToAws(endpoint, {
      method: 'POST',
      path: '/?Action=x',
      headers: [
        ['Host', '127.0.0.1:4566'],
        ['Authorization', 'AWS4-HMAC-SHA256 Credential=ASIAXYZ/20261121'],
        ['X-Amz-Target', 'secretsmanager.GetSecretValue'],
      ],
      body: Buffer.from('{"SecretId":"a"}'),
    });

    expect(seen[0]).toMatchObject({ method: 'POST', url: '/?Action=x', body: '{"SecretId":"a"}' });
    expect(seen[0]?.headers).toMatchObject({
      host: '127.0.0.1:4566',
      authorization: 'AWS4-HMAC-SHA256 Credential=ASIAXYZ/20261121',
      'x-amz-target': 'secretsmanager.GetSecretValue',
    });
    expect(answer.status).toBe(400);
    expect(answer.body.toString()).toBe('{"__type":"ResourceNotFoundException"}');
    expect(Object.fromEntries(answer.headers)).toMatchObject({ 'x-amzn-requestid': 'r-1' });
  });

  it.each(['/_edge/faults', '//_edge/faults', '/_ministack/reset', '/%5Fedge/faults', 'http://other/_edge/faults'])(
    'keeps a node from the controls of the embedded cloud: %s',
    async (path) => {
      const { seen, endpoint } = await anEndpoint();

      const answer = await passToAws(endpoint, { method: 'GET', path, headers: [], body: Buffer.alloc(0) });

      expect(answer.status).toBe(403);
      expect(seen).toEqual([]);
    },
  );

  it.each([
    ['a header', '/', [['x', 'a\r\nHost: b']]],
    ['a path', '/ HTTP/1.1\r\nHost: b', []],
  ] as const)('refuses %s that would smuggle in another request', async (_, path, headers) => {
    const { seen, endpoint } = await anEndpoint();

    const answer = await passToAws(endpoint, { method: 'GET', path, headers, body: Buffer.alloc(0) });

    expect(answer.status).toBe(400);
    expect(seen).toEqual([]);
  });

  it('answers 503 where nobody answers for AWS', async () => {
    const answer = await passToAws('http://127.0.0.1:9', {
      method: 'GET',
      path: '/',
      headers: [],
      body: Buffer.alloc(0),
    });

    expect(answer.status).toBe(503);
  });
});
