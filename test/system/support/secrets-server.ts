import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { instanceIdOf } from '../../../local/node/credentials.ts';

/** What a node asked of AWS. */
export interface SecretCall {
  readonly secretId: string;
  readonly instanceId: string | undefined;
}

/** Secrets Manager as far as a booting node needs it: hands out what the map holds. */
export const startSecretsServer = async (secrets: Map<string, string>) => {
  const calls: SecretCall[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => {
      body += chunk.toString();
    });
    request.on('end', () => {
      const { SecretId: secretId } = JSON.parse(body) as { SecretId: string };
      const accessKeyId = /Credential=([^/]+)\//.exec(request.headers.authorization ?? '')?.[1] ?? '';
      calls.push({ secretId, instanceId: instanceIdOf(accessKeyId) });
      const text = secrets.get(secretId);
      response.writeHead(text === undefined ? 400 : 200, { 'content-type': 'application/x-amz-json-1.1' });
      response.end(
        JSON.stringify(
          text === undefined ? { __type: 'ResourceNotFoundException' } : { Name: secretId, SecretString: text },
        ),
      );
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls,
    close: () =>
      new Promise<void>((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
};
