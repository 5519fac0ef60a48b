import { execFileSync } from 'node:child_process';
import { createHash, createPrivateKey, sign, X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { CertifiedRole } from '../../../local/deploy/certified-role.ts';
import { instanceIdOf } from '../../../local/node/credentials.ts';
import { anAuthority, type Certified } from '../../support/x509.ts';
import { type Bench, openBench, REGION } from './support.ts';

const folder = mkdtempSync(join(tmpdir(), 'carrierarr-anywhere-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** A client certificate of an authority, made by OpenSSL. */
const issued = (authority: Certified, name: string, days = '30'): Certified => {
  const path = (file: string) => join(folder, file);
  writeFileSync(path('ca.crt'), authority.certificate);
  writeFileSync(path('ca.key'), authority.key);
  writeFileSync(path('ext'), 'basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\n');
  const openssl = (...args: string[]) => execFileSync('openssl', args, { stdio: 'pipe' });
  openssl('ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', path('key'));
  openssl('req', '-new', '-key', path('key'), '-subj', `/CN=${name}`, '-out', path('csr'));
  const by = ['-CA', path('ca.crt'), '-CAkey', path('ca.key'), '-CAcreateserial'];
  openssl('x509', '-req', '-in', path('csr'), ...by, '-days', days, '-extfile', path('ext'), '-out', path('crt'));
  return { certificate: readFileSync(path('crt'), 'utf8'), key: readFileSync(path('key'), 'utf8') };
};

const ROLE: Omit<CertifiedRole, 'authority'> = {
  trustAnchorId: 'a-1',
  profileId: 'p-1',
  roleName: 'carrierarr-control-plane',
  commonName: 'carrierarr-control-plane',
  sources: ['carrierarr.homelab'],
  detailTypes: ['Worker Idle', 'Worker Dead'],
};
const WISHES = {
  trustAnchorArn: 'arn:aws:rolesanywhere:us-west-2:000000000000:trust-anchor/a-1',
  profileArn: 'arn:aws:rolesanywhere:us-west-2:000000000000:profile/p-1',
  roleArn: 'arn:aws:iam::000000000000:role/carrierarr-control-plane',
};

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

interface Attempt {
  readonly holder: Certified;
  readonly wishes?: Partial<typeof WISHES>;
  /** What is sent instead of what was signed. */
  readonly sentBody?: string;
  readonly at?: Date;
}

/** Signs as AWS documents it (Roles Anywhere, "Signing"), apart from the edge's own way of checking. */
const createSession = async (bench: Bench, { holder, wishes, sentBody, at = new Date() }: Attempt) => {
  const body = JSON.stringify({ durationSeconds: 900, ...WISHES, ...wishes });
  const certificate = new X509Certificate(holder.certificate);
  const stamp = at.toISOString().replace(/[-:]|\.\d+/g, '');
  const scope = `${stamp.slice(0, 8)}/${REGION}/rolesanywhere/aws4_request`;
  const { host } = new URL(bench.edge.url);
  const x509 = certificate.raw.toString('base64');
  const canonical = `POST\n/sessions\n\nhost:${host}\nx-amz-date:${stamp}\nx-amz-x509:${x509}\n\nhost;x-amz-date;x-amz-x509\n${sha256(body)}`;
  const text = `AWS4-X509-ECDSA-SHA256\n${stamp}\n${scope}\n${sha256(canonical)}`;
  const signature = sign('sha256', Buffer.from(text), createPrivateKey(holder.key)).toString('hex');
  const serial = BigInt(`0x${certificate.serialNumber}`);
  const authorization = `AWS4-X509-ECDSA-SHA256 Credential=${serial}/${scope}, SignedHeaders=host;x-amz-date;x-amz-x509, Signature=${signature}`;
  const answer = await fetch(`${bench.edge.url}/sessions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-amz-date': stamp, 'x-amz-x509': x509, authorization },
    body: sentBody ?? body,
  });
  return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
};

interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string;
}

describe('IAM Roles Anywhere at the edge', () => {
  let authority: Certified;
  let holder: Certified;
  let bench: Bench;
  beforeAll(() => {
    authority = anAuthority();
    holder = issued(authority, 'carrierarr-control-plane');
  });
  beforeEach(async () => {
    bench = await openBench();
    bench.edge.sessions.trust({ ...ROLE, authority: authority.certificate }, 'carrierarr');
  });
  afterEach(() => bench.close());

  const open = async (): Promise<Credentials> => {
    const { status, body } = await createSession(bench, { holder });
    expect(status, JSON.stringify(body)).toBe(201);
    const [set] = body.credentialSet as { credentials: Credentials }[];
    const { accessKeyId = '', secretAccessKey = '', sessionToken = '' } = set?.credentials ?? {};
    return { accessKeyId, secretAccessKey, sessionToken };
  };

  const put = (credentials: Credentials, entry: Record<string, string> = {}) => {
    const client = new EventBridgeClient({ region: REGION, endpoint: bench.edge.url, credentials, maxAttempts: 1 });
    const whole = { Source: 'carrierarr.homelab', DetailType: 'Worker Idle', Detail: '{}', EventBusName: 'carrierarr' };
    return client.send(new PutEventsCommand({ Entries: [{ ...whole, ...entry }] })).finally(() => client.destroy());
  };

  it('hands out credentials for a certificate of the trusted authority, which are no node’s', async () => {
    const { accessKeyId } = await open();

    expect(accessKeyId).toMatch(/^ASIA[A-Z2-7]{16}$/);
    expect(instanceIdOf(accessKeyId)).toBeUndefined();
  });

  it('passes observations on to the bus', async () => {
    await put(await open());

    expect(bench.upstream.seen.join('\n')).toContain('PutEvents');
  });

  it.each([
    ['another source', { Source: 'carrierarr.fleet' }],
    ['another kind of event', { DetailType: 'Scale In Requested' }],
    ['another bus', { EventBusName: 'default' }],
  ])('lets its credentials put no event of %s', async (_what, entry) => {
    await expect(put(await open(), entry)).rejects.toMatchObject({ name: 'AccessDeniedException' });
  });

  it('lets its credentials do nothing else', async () => {
    const client = new SecretsManagerClient({ region: REGION, endpoint: bench.edge.url, credentials: await open() });

    const read = client.send(new GetSecretValueCommand({ SecretId: 'carrierarr/agent-key' }));

    await expect(read).rejects.toMatchObject({ name: 'AccessDeniedException' });
    client.destroy();
  });

  it('leaves alone credentials that others handed out, whatever they look like', async () => {
    await put({ ...(await open()), accessKeyId: 'ASIA7AAAAAAAAAAAAAAA' }, { Source: 'somebody' });

    expect(bench.upstream.seen.join('\n')).toContain('PutEvents');
  });

  it.each<[string, () => Attempt, RegExp]>([
    ['of another authority', () => ({ holder: issued(anAuthority(), ROLE.commonName) }), /Untrusted/],
    ['with another name', () => ({ holder: issued(authority, 'somebody') }), /Unable to assume role/],
    ['that signed another request', () => ({ holder, sentBody: '{}' }), /signature/],
    ['that signed an hour ago', () => ({ holder, at: new Date(Date.now() - 3_600_000) }), /is not now/],
    ['for another role', () => ({ holder, wishes: { roleArn: 'arn:aws:iam::0:role/admin' } }), /role/],
    ['for another trust anchor', () => ({ holder, wishes: { trustAnchorArn: 'arn:x:trust-anchor/b' } }), /anchor/],
  ])('refuses a certificate %s', async (_what, attempt, why) => {
    const { status, body } = await createSession(bench, attempt());

    expect(status).toBeGreaterThanOrEqual(403);
    expect(body.message).toMatch(why);
  });
});
