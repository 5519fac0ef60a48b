import { randomBytes } from 'node:crypto';
import { type Clock, systemClock } from '#shared/clock.ts';
import { credentialsOf } from './credentials.ts';
import type { NodeSpec, SpotNotice } from './host.ts';

export interface MetadataRequest {
  readonly method: string;
  /** Path and query as sent. */
  readonly path: string;
  /** Names in lower case. */
  readonly headers: ReadonlyMap<string, string>;
}

export interface MetadataAnswer {
  readonly status: number;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
}

const TTL_HEADER = 'x-aws-ec2-metadata-token-ttl-seconds';
const TOKEN_HEADER = 'x-aws-ec2-metadata-token';
const LONGEST_TTL_SECONDS = 21_600;
const CREDENTIAL_HOURS = 6;
const ROLE = 'carrierarr-worker';

const UNAUTHORIZED: MetadataAnswer = { status: 401, body: '' };
const NOT_FOUND: MetadataAnswer = { status: 404, body: '' };

const accountOf = (spec: NodeSpec): string => spec.instanceArn.split(':')[4] ?? '';

const identityDocument = (spec: NodeSpec, bornAt: Date): string =>
  JSON.stringify(
    {
      accountId: accountOf(spec),
      architecture: 'x86_64',
      availabilityZone: spec.availabilityZone,
      imageId: spec.imageId,
      instanceId: spec.instanceId,
      instanceType: spec.instanceType,
      pendingTime: bornAt.toISOString(),
      privateIp: spec.privateIp,
      region: spec.region,
      version: '2017-09-30',
    },
    null,
    2,
  );

const roleCredentials = (spec: NodeSpec, now: Date): string => {
  const { accessKeyId, secretAccessKey, sessionToken } = credentialsOf(spec.instanceId);
  return JSON.stringify({
    Code: 'Success',
    LastUpdated: now.toISOString(),
    Type: 'AWS-HMAC',
    AccessKeyId: accessKeyId,
    SecretAccessKey: secretAccessKey,
    Token: sessionToken,
    Expiration: new Date(now.getTime() + CREDENTIAL_HOURS * 3_600_000).toISOString(),
  });
};

const instant = (time: Date): string => time.toISOString().replace(/\.\d+Z$/, 'Z');

/** Absent until there is one. */
const noticeOf = (notice: SpotNotice): [path: string, value: string] =>
  notice.kind === 'interruption'
    ? ['meta-data/spot/instance-action', JSON.stringify({ action: notice.action, time: instant(notice.time) })]
    : ['meta-data/events/recommendations/rebalance', JSON.stringify({ noticeTime: instant(notice.time) })];

/** Everything the service knows, by path below `/latest/`. */
const valuesOf = (spec: NodeSpec, now: Date, bornAt: Date): Map<string, string> => {
  const hostname = `ip-${spec.privateIp.replaceAll('.', '-')}.${spec.region}.compute.internal`;
  const values = new Map([
    ['dynamic/instance-identity/document', identityDocument(spec, bornAt)],
    ['meta-data/ami-id', spec.imageId],
    ['meta-data/hostname', hostname],
    ['meta-data/iam/security-credentials/', ROLE],
    [`meta-data/iam/security-credentials/${ROLE}`, roleCredentials(spec, now)],
    ['meta-data/instance-id', spec.instanceId],
    ['meta-data/instance-life-cycle', spec.lifeCycle ?? 'on-demand'],
    ['meta-data/instance-type', spec.instanceType],
    ['meta-data/local-hostname', hostname],
    ['meta-data/local-ipv4', spec.privateIp],
    ['meta-data/placement/availability-zone', spec.availabilityZone],
    ['meta-data/placement/region', spec.region],
    ['meta-data/public-ipv4', spec.publicIp],
    ['meta-data/services/domain', 'amazonaws.com'],
    ['meta-data/services/partition', 'aws'],
  ]);
  for (const [key, value] of Object.entries(spec.tags)) values.set(`meta-data/tags/instance/${key}`, value);
  for (const [path, value] of (spec.notices?.() ?? []).map(noticeOf)) values.set(path, value);
  if (spec.userData !== '') values.set('user-data', spec.userData);
  return values;
};

/** Names directly below a directory, those with something below them ending in a slash; as the service lists them. */
const listing = (values: ReadonlyMap<string, string>, directory: string): string => {
  const names = new Set<string>();
  for (const path of values.keys()) {
    if (!path.startsWith(directory) || path === directory) continue;
    const [name = '', ...below] = path.slice(directory.length).split('/');
    names.add(below.length > 0 ? `${name}/` : name);
  }
  return [...names].sort().join('\n');
};

const decoded = (path: string): string => {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
};

const lookUp = (values: ReadonlyMap<string, string>, path: string): MetadataAnswer => {
  const directory = path === '' || path.endsWith('/') ? path : `${path}/`;
  const found = values.get(path) ?? values.get(directory) ?? listing(values, directory);
  return found === '' ? NOT_FOUND : { status: 200, body: found, headers: { 'content-type': 'text/plain' } };
};

/**
 * The instance metadata service of one instance, version 2 only: every read needs a session token, as the launch
 * template demands (`HttpTokens: required`), and tags are shown (`InstanceMetadataTags: enabled`).
 */
export const createMetadataService = (spec: NodeSpec, clock: Clock = systemClock) => {
  const bornAt = clock.now();
  const expiries = new Map<string, number>();

  const openSession = (request: MetadataRequest): MetadataAnswer => {
    const seconds = Number(request.headers.get(TTL_HEADER));
    if (!Number.isInteger(seconds) || seconds < 1 || seconds > LONGEST_TTL_SECONDS) return { status: 400, body: '' };
    const token = `${randomBytes(39).toString('base64url')}==`;
    expiries.set(token, clock.now().getTime() + seconds * 1000);
    return { status: 200, body: token, headers: { 'content-type': 'text/plain', [TTL_HEADER]: String(seconds) } };
  };

  const authorised = (request: MetadataRequest): boolean =>
    (expiries.get(request.headers.get(TOKEN_HEADER) ?? '') ?? 0) > clock.now().getTime();

  return (request: MetadataRequest): MetadataAnswer => {
    const path = decoded(request.path.split('?')[0] ?? '').replace(/^\/latest\/?/, '');
    // A proxy that forwards requests must not reach the service (server-side request forgery).
    if (request.headers.has('x-forwarded-for')) return { status: 403, body: '' };
    if (request.method === 'PUT') return path === 'api/token' ? openSession(request) : NOT_FOUND;
    if (request.method !== 'GET') return { status: 405, body: '' };
    if (!authorised(request)) return UNAUTHORIZED;
    return lookUp(valuesOf(spec, clock.now(), bornAt), path);
  };
};
export type MetadataService = ReturnType<typeof createMetadataService>;
