import { createHash, type KeyObject, sign, type X509Certificate } from 'node:crypto';
import { ConfigurationError } from '#shared/errors.ts';
import type { SigningCertificate } from './certificate.ts';

/**
 * Signature of a request to IAM Roles Anywhere: Signature Version 4, but by the key of a certificate, which travels along.
 * https://docs.aws.amazon.com/rolesanywhere/latest/userguide/authentication-sign-process.html
 */
export interface SessionRequest {
  readonly url: URL;
  readonly region: string;
  readonly body: string;
  readonly at: Date;
}

const ALGORITHMS: Readonly<Record<string, string>> = {
  ec: 'AWS4-X509-ECDSA-SHA256',
  rsa: 'AWS4-X509-RSA-SHA256',
};

/** @throws ConfigurationError when IAM Roles Anywhere cannot verify what such a key signs */
export const algorithmOf = (key: KeyObject): string => {
  const kind = key.asymmetricKeyType ?? 'unknown';
  const algorithm = ALGORITHMS[kind];
  if (algorithm !== undefined) return algorithm;
  throw new ConfigurationError({
    what: 'the key for AWS is of a kind that IAM Roles Anywhere does not know',
    got: kind,
    allowed: Object.keys(ALGORITHMS).join(', '),
    remedy: 'make another with `carrierarr homelab certificate`',
  });
};

const base64 = (certificate: X509Certificate): string => certificate.raw.toString('base64');
const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

/** `20261122T083700Z` */
const basicTime = (at: Date): string => at.toISOString().replace(/[-:]|\.\d{3}/g, '');

/** By name, as they are signed. */
const signedHeaders = (
  signer: Omit<SigningCertificate, 'key'>,
  { url, at }: SessionRequest,
): Readonly<Record<string, string>> => ({
  'content-type': 'application/json',
  host: url.host,
  'x-amz-date': basicTime(at),
  'x-amz-x509': base64(signer.certificate),
  ...(signer.chain.length === 0 ? {} : { 'x-amz-x509-chain': signer.chain.map(base64).join(',') }),
});

/** What is signed, and what tells by whom and over which headers. */
export const toBeSigned = (signer: Omit<SigningCertificate, 'key'>, request: SessionRequest, algorithm: string) => {
  const headers = signedHeaders(signer, request);
  const names = Object.keys(headers).join(';');
  const lines = Object.entries(headers).map(([name, value]) => `${name}:${value}\n`);
  const canonical = ['POST', request.url.pathname, '', lines.join(''), names, sha256(request.body)].join('\n');
  const time = basicTime(request.at);
  const scope = `${time.slice(0, 8)}/${request.region}/rolesanywhere/aws4_request`;
  const serial = BigInt(`0x${signer.certificate.serialNumber}`).toString();
  return {
    headers,
    text: [algorithm, time, scope, sha256(canonical)].join('\n'),
    by: `${algorithm} Credential=${serial}/${scope}, SignedHeaders=${names}`,
  };
};

/** @returns every header to send, `host` included */
export const signSession = (signer: SigningCertificate, request: SessionRequest): Readonly<Record<string, string>> => {
  const { headers, text, by } = toBeSigned(signer, request, algorithmOf(signer.key));
  const signature = sign('sha256', Buffer.from(text), signer.key).toString('hex');
  return { ...headers, authorization: `${by}, Signature=${signature}` };
};
