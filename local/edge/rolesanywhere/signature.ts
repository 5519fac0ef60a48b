import { createHash, verify, X509Certificate } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { AwsRefusal } from '../protocol/refusal.ts';

/** A request as it came, for whoever checks its signature. */
export interface SignedRequest {
  readonly method: string;
  /** Path and query as sent. */
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

const AUTHORIZATION =
  /^(AWS4-X509-(?:ECDSA|RSA)-SHA256) Credential=(\d+)\/(\d{8}\/[a-z0-9-]+\/rolesanywhere\/aws4_request), ?SignedHeaders=([a-z0-9;-]+), ?Signature=([0-9a-f]+)$/;
/** Without these a signature would say nothing of who sends it, where to and when. */
const MUST_BE_SIGNED = ['host', 'x-amz-date', 'x-amz-x509'];
const CLOCK_SKEW_MS = 5 * 60_000;

const denied = (why: string): AwsRefusal => new AwsRefusal('AccessDeniedException', why, 403);

const sha256 = (text: string): string => createHash('sha256').update(text, 'utf8').digest('hex');

const header = (headers: IncomingHttpHeaders, name: string): string => String(headers[name] ?? '').trim();

const encoded = (text: string): string =>
  encodeURIComponent(text).replace(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`);

const canonicalQuery = (query: URLSearchParams): string =>
  [...query]
    .map(([name, value]): [string, string] => [encoded(name), encoded(value)])
    .toSorted(([a, x], [b, y]) => (a === b ? Number(x > y) - Number(x < y) : Number(a > b) - Number(a < b)))
    .map(([name, value]) => `${name}=${value}`)
    .join('&');

const canonicalRequest = ({ method, path, headers, body }: SignedRequest, signed: string): string => {
  const url = new URL(path, 'http://edge.invalid');
  const lines = signed.split(';').map((name) => `${name}:${header(headers, name).replace(/ +/g, ' ')}\n`);
  return [method, url.pathname, canonicalQuery(url.searchParams), lines.join(''), signed, sha256(body)].join('\n');
};

const certificateOf = (headers: IncomingHttpHeaders): X509Certificate => {
  try {
    return new X509Certificate(Buffer.from(header(headers, 'x-amz-x509'), 'base64'));
  } catch {
    throw denied('X-Amz-X509 holds no certificate');
  }
};

const instantOf = (stamp: string): number => {
  const [, year, month, day, hour, minute, second] = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(stamp) ?? [];
  return Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
};

/**
 * The certificate whose key signed the request, as IAM Roles Anywhere verifies it: AWS4-X509-ECDSA-SHA256 or its
 * sibling for RSA. Whether the certificate is trusted is another question.
 * @throws AwsRefusal AccessDeniedException
 */
export const signerOf = (request: SignedRequest, now: number): X509Certificate => {
  const { headers } = request;
  const [, algorithm = '', serial = '', scope = '', signed = '', signature = ''] =
    AUTHORIZATION.exec(header(headers, 'authorization')) ?? [];
  if (algorithm === '') throw denied('the request is not signed by a certificate');
  const names = signed.split(';');
  if (!MUST_BE_SIGNED.every((name) => names.includes(name))) throw denied(`signed headers lack ${MUST_BE_SIGNED}`);
  const stamp = header(headers, 'x-amz-date');
  if (!(Math.abs(now - instantOf(stamp)) < CLOCK_SKEW_MS)) throw denied(`X-Amz-Date ${stamp} is not now`);
  if (!scope.startsWith(`${stamp.slice(0, 8)}/`)) throw denied('the scope is of another day');
  const certificate = certificateOf(headers);
  if (BigInt(`0x${certificate.serialNumber}`) !== BigInt(serial))
    throw denied('the serial number is of another certificate');
  if (algorithm.includes('ECDSA') !== (certificate.publicKey.asymmetricKeyType === 'ec')) {
    throw denied(`${algorithm} is not what this key signs with`);
  }
  const text = [algorithm, stamp, scope, sha256(canonicalRequest(request, signed))].join('\n');
  if (!verify('sha256', Buffer.from(text), certificate.publicKey, Buffer.from(signature, 'hex'))) {
    throw denied('the signature does not match');
  }
  return certificate;
};
