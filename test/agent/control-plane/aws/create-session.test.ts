import { createPrivateKey, verify, X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { readSigningCertificate } from '../../../../agent/control-plane/aws/certificate.ts';
import { createSession } from '../../../../agent/control-plane/aws/create-session.ts';
import { toBeSigned } from '../../../../agent/control-plane/aws/sign-session.ts';
import { aHolder } from '../../../support/x509.ts';
import { type Answer, aSession, fakeAws } from './support/fake-aws.ts';

const { certificate, key } = aHolder('carrierarr-control-plane');
const signer = { certificate: new X509Certificate(certificate), chain: [], key: createPrivateKey(key) };
const AT = new Date('2026-11-22T08:37:01Z');
const SETTINGS = {
  region: 'us-west-2',
  bus: 'carrierarr',
  trustAnchorArn: 'arn:aws:rolesanywhere:us-west-2:111122223333:trust-anchor/1',
  profileArn: 'arn:aws:rolesanywhere:us-west-2:111122223333:profile/2',
  roleArn: 'arn:aws:iam::111122223333:role/carrierarr-control-plane-us-west-2',
  certificateFile: '',
  keyFile: '',
  eventsEndpoint: undefined,
};

let aws: Awaited<ReturnType<typeof fakeAws>> | undefined;
afterEach(async () => {
  await aws?.close();
  aws = undefined;
});
const ask = async (answer: Answer) => {
  aws = await fakeAws(() => answer);
  return createSession({ ...SETTINGS, sessionsEndpoint: aws.url }, signer, AT);
};
const refused = (status: number, message: string) => ask({ status, body: { message } });

describe('a session', () => {
  it('is what IAM Roles Anywhere hands out', async () => {
    const expiration = new Date('2026-11-22T09:37:01Z');

    expect(await ask(aSession(expiration))).toEqual({
      accessKeyId: 'ASIAEXAMPLE',
      secretAccessKey: 'a-secret-key',
      sessionToken: 'a-session-token',
      expiration,
    });
  });

  it('is asked for with the three ARNs, in a request that is signed as it arrives', async () => {
    await ask(aSession());
    const [request] = aws?.received ?? [];
    const { trustAnchorArn, profileArn, roleArn } = SETTINGS;
    const url = new URL(`http://${request?.headers.host}${request?.path}`);
    const { text, by } = toBeSigned(
      signer,
      { url, region: 'us-west-2', body: request?.body ?? '', at: AT },
      'AWS4-X509-ECDSA-SHA256',
    );
    const [start, signature = ''] = (request?.headers.authorization ?? '').split(', Signature=');

    expect(request?.path).toBe('/sessions');
    expect(JSON.parse(request?.body ?? '')).toEqual({ trustAnchorArn, profileArn, roleArn });
    expect(request?.headers).toMatchObject({
      'content-type': 'application/json',
      'x-amz-date': '20261122T083701Z',
      'x-amz-x509': signer.certificate.raw.toString('base64'),
    });
    expect(start).toBe(by);
    expect(verify('sha256', Buffer.from(text), signer.certificate.publicKey, Buffer.from(signature, 'hex'))).toBe(true);
  });

  it.each([
    [403, 'Untrusted certificate. Insufficient certificate', 'PermissionError', 'homelab.controlPlane.trustAnchor'],
    [403, 'Unable to assume role for arn:aws:iam::1:role/x', 'PermissionError', '<fleet>-control-plane'],
    [403, 'Signature expired', 'PermissionError', 'set the clock'],
    [404, 'Profile not found', 'ConfigurationError', 'carrierarr homelab control-plane'],
    [400, 'Validation failed', 'ConfigurationError', 'ARNs'],
    [429, 'Rate exceeded', 'ThrottledError', 'tried again'],
    [503, 'unavailable', 'ServiceUnavailableError', 'tried again'],
  ])('is refused with %d "%s": a %s that says what to do', async (status, message, name, remedy) => {
    await expect(refused(status, message)).rejects.toMatchObject({
      name,
      got: `${status}: ${message}`,
      remedy: expect.stringContaining(remedy),
    });
  });

  it('is worth another try when something else answers, and tells nothing of what that was', async () => {
    const error = await ask({ status: 201, body: '<html>a-secret-key</html>' }).catch((caught: unknown) => caught);

    expect(error).toMatchObject({ name: 'ServiceUnavailableError' });
    expect(String(error)).not.toContain('a-secret-key');
  });

  it('is worth another try when nobody answers', async () => {
    await expect(
      createSession({ ...SETTINGS, sessionsEndpoint: 'http://127.0.0.1:9' }, signer, AT),
    ).rejects.toMatchObject({ name: 'ServiceUnavailableError', remedy: expect.stringContaining('port 443') });
  });
});

describe('certificate and key', () => {
  const folder = mkdtempSync(join(tmpdir(), 'carrierarr-signer-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  const written = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  const read = (crt: string, pem: string, now = new Date()) =>
    readSigningCertificate({ certificateFile: written('crt', crt), keyFile: written('key', pem) }, now);

  it('come with the chain behind the first', async () => {
    const { chain, certificate: first } = await read(certificate + aHolder('in between').certificate, key);

    expect(first.subject).toBe('CN=carrierarr-control-plane');
    expect(chain.map(({ subject }) => subject)).toEqual(['CN=in between']);
  });

  it.each([
    ['another’s key', certificate, aHolder('x').key, 'do not belong together'],
    ['a broken key', certificate, key.replace(/\n[A-Za-z0-9+/]{20}/, '\nAAAA'), 'the key for AWS is malformed'],
    ['no certificate', 'nothing', key, 'the certificate for AWS is malformed'],
  ])('are refused with %s', async (_, crt, pem, what) => {
    await expect(read(crt, pem)).rejects.toMatchObject({
      name: 'ConfigurationError',
      what: expect.stringContaining(what),
      remedy: expect.stringContaining('carrierarr homelab certificate'),
    });
  });

  it('are refused once their time is over', async () => {
    await expect(read(certificate, key, new Date(Date.now() + 61 * 86_400_000))).rejects.toThrow(/is over/);
  });

  it('are refused while they are not there, by the name of the file', async () => {
    await expect(
      readSigningCertificate({ certificateFile: '/nowhere/tls.crt', keyFile: '/nowhere/tls.key' }, new Date()),
    ).rejects.toThrow(/got \/nowhere\/tls.crt: ENOENT/);
  });

  it('tell nothing of a key, however broken', async () => {
    const error = await read(certificate, key.slice(0, 120)).catch((caught: unknown) => caught);

    expect(JSON.stringify(error, Object.getOwnPropertyNames(error))).not.toContain(key.slice(40, 80));
  });
});
