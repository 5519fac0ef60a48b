import { createHash, createHmac, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Role } from '#contract';
import { renderUserData } from '../../userdata/render.ts';

export const CREDENTIALS = {
  AccessKeyId: 'ASIAEXAMPLEEXAMPLE00',
  SecretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY',
  Token: `session//${'t+'.repeat(60)}=`,
};

export interface Reply {
  readonly status: number;
  readonly body: string | Buffer;
}

export const awsError = (type: string, status = 400): Reply => ({
  status,
  body: JSON.stringify({ __type: type, Message: `told by ${type}` }),
});
export const secretValue = (value: unknown): Reply => ({
  status: 200,
  body: JSON.stringify({ SecretString: typeof value === 'string' ? value : JSON.stringify(value) }),
});

const hmac = (key: string | Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest();
const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

/** Recomputes the signature (AWS Signature Version 4) from what arrived. */
const isSignedRight = (request: IncomingMessage, body: string, wanted: string): boolean => {
  const pattern =
    /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/([^/]+)\/aws4_request, ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})$/;
  const [, key, day = '', region = '', service = '', names = '', signature] =
    pattern.exec(request.headers.authorization ?? '') ?? [];
  const signed = names.split(';');
  const headers = signed.map((name) => `${name}:${String(request.headers[name]).trim()}\n`).join('');
  // S3 wants the body's hash as a header, and takes none of the body at that.
  const hash = request.headers['x-amz-content-sha256'] ?? sha256(body);
  const canonical = [request.method, request.url, '', headers, names, hash].join('\n');
  const scope = `${day}/${region}/${service}/aws4_request`;
  const text = ['AWS4-HMAC-SHA256', request.headers['x-amz-date'], scope, sha256(canonical)].join('\n');
  const derived = [region, service, 'aws4_request'].reduce(hmac, hmac(`AWS4${CREDENTIALS.SecretAccessKey}`, day));
  return (
    key === CREDENTIALS.AccessKeyId &&
    region === 'us-west-2' &&
    service === wanted &&
    signed.includes('x-amz-security-token') &&
    request.headers['x-amz-security-token'] === CREDENTIALS.Token &&
    hmac(derived, text).toString('hex') === signature
  );
};

/** Metadata are served under the dates of their versions too. */
const METADATA = /^\/(?:latest|\d{4}-\d{2}-\d{2})\//;

/** Private address of the instance. */
export const PRIVATE_IP = '172.31.0.11';

const USER_DATA = {
  fleet: 'carrierarr',
  region: 'us-west-2',
  secretPrefix: 'catalyst-llm',
  controlPlane: '10.100.0.1:50051',
  readySeconds: 7200,
} as const;

/** Instance metadata (version 2) and Secrets Manager of one instance, on one port. */
export class FakeInstance {
  /** Metadata below `/latest/`; delete an entry to make it absent. */
  readonly metadata = new Map<string, string>([
    ['meta-data/instance-id', 'i-0123456789abcdef0'],
    ['meta-data/local-ipv4', PRIVATE_IP],
    ['meta-data/tags/instance/carrierarr:worker', 'gpu-worker-001'],
    ['meta-data/iam/security-credentials/', 'carrierarr-worker'],
    ['meta-data/iam/security-credentials/carrierarr-worker', JSON.stringify({ Code: 'Success', ...CREDENTIALS })],
  ]);
  /** Metadata calls that find nobody listening before the first that does. */
  deafCalls = 0;
  /** Answers of GetSecretValue in order; the last one stays. */
  secret: Reply[] = [awsError('ResourceNotFoundException')];
  /** Objects of S3 by `/bucket/key`. */
  readonly objects = new Map<string, Buffer>();
  /** Ids asked for. */
  readonly asked: string[] = [];
  /** What was put into secrets; read back from then on. */
  readonly written: { readonly id: string; readonly text: string; readonly token: string }[] = [];
  /** Answers of PutSecretValue in order, each once; then it succeeds. */
  refusals: Reply[] = [];
  readonly #sessions = new Set<string>();
  #server: Server | undefined;

  /** One that does not listen: what reaches a server of the caller's is handed to {@link serve}. */
  constructor(role: Role = 'gpu-worker') {
    this.metadata.set('user-data', renderUserData({ ...USER_DATA, role }));
  }

  static async start({ role = 'gpu-worker' as Role } = {}): Promise<FakeInstance> {
    const instance = new FakeInstance(role);
    const server = createServer(instance.serve);
    instance.#server = server;
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return instance;
  }

  readonly serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const reply = this.#answer(request, Buffer.concat(chunks).toString('utf8'));
    if (reply === undefined) request.socket.destroy();
    else response.writeHead(reply.status).end(reply.body);
  };

  /** Sessions opened until now are not known any more. */
  forgetSessions(): void {
    this.#sessions.clear();
  }

  get environment(): Record<string, string> {
    const { port } = (this.#server?.address() ?? { port: 0 }) as AddressInfo;
    const url = `http://127.0.0.1:${port}`;
    return { CARRIERARR_IMDS: url, AWS_ENDPOINT_URL: url };
  }

  #answer(request: IncomingMessage, body: string): Reply | undefined {
    const [version] = METADATA.exec(request.url ?? '') ?? [];
    if (version !== undefined) return this.#metadata(request, request.url?.slice(version.length) ?? '');
    if (request.method === 'GET') return this.#object(request);
    return this.#secret(request, body);
  }

  #object(request: IncomingMessage): Reply {
    if (!isSignedRight(request, '', 's3')) return { status: 403, body: '<Code>SignatureDoesNotMatch</Code>' };
    const object = this.objects.get(request.url ?? '');
    return object === undefined ? { status: 404, body: '<Code>NoSuchKey</Code>' } : { status: 200, body: object };
  }

  #metadata(request: IncomingMessage, path: string): Reply | undefined {
    if (this.deafCalls > 0) {
      this.deafCalls -= 1;
      return undefined;
    }
    if (request.method === 'PUT') {
      const session = randomBytes(12).toString('base64url');
      this.#sessions.add(session);
      return path === 'api/token' ? { status: 200, body: session } : { status: 404, body: '' };
    }
    if (!this.#sessions.has(String(request.headers['x-aws-ec2-metadata-token']))) return { status: 401, body: '' };
    const value = this.metadata.get(path) ?? this.#listing(path);
    return value === undefined ? { status: 404, body: '<title>404</title>' } : { status: 200, body: value };
  }

  /** Names below a directory, as cloud-init walks them. */
  #listing(path: string): string | undefined {
    const directory = path.replace(/\/?$/, '/');
    const below = [...this.metadata.keys()].filter((key) => key.startsWith(directory) && key !== directory);
    const names = below.map((key) => key.slice(directory.length).replace(/\/.*/, '/'));
    return names.length === 0 ? undefined : [...new Set(names)].join('\n');
  }

  #secret(request: IncomingMessage, body: string): Reply {
    if (!isSignedRight(request, body, 'secretsmanager')) return awsError('SignatureDoesNotMatch', 403);
    const target = request.headers['x-amz-target'];
    if (target === 'secretsmanager.PutSecretValue') return this.#put(body);
    if (target !== 'secretsmanager.GetSecretValue') return awsError('UnknownOperationException');
    const { SecretId } = JSON.parse(body) as { SecretId: string };
    this.asked.push(SecretId);
    const written = this.written.findLast(({ id }) => id === SecretId);
    if (written !== undefined) return secretValue(written.text);
    const [next, ...rest] = this.secret;
    if (rest.length > 0) this.secret = rest;
    return next ?? awsError('InternalServiceError', 500);
  }

  #put(body: string): Reply {
    const refusal = this.refusals.shift();
    if (refusal !== undefined) return refusal;
    const { SecretId, SecretString, ClientRequestToken } = JSON.parse(body) as Record<string, string>;
    if (SecretId === undefined || SecretString === undefined || ClientRequestToken === undefined) {
      return awsError('InvalidParameterException');
    }
    this.written.push({ id: SecretId, text: SecretString, token: ClientRequestToken });
    return { status: 200, body: JSON.stringify({ Name: SecretId, VersionId: ClientRequestToken }) };
  }

  async close(): Promise<void> {
    if (this.#server === undefined) return;
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }
}
