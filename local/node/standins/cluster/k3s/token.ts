import { createHash } from 'node:crypto';

/** What a full token names a cluster by: the hash of its CA certificate. */
export const caHashOf = (pem: string): string => createHash('sha256').update(pem).digest('hex');

export interface Token {
  /** Undefined: the short form, a password alone. */
  readonly caHash: string | undefined;
  readonly user: string | undefined;
  readonly password: string;
}

/** `K10<hash of the CA>::<user>:<password>`, or just the password. */
export const readToken = (text: string): Token => {
  const [, caHash, user, password] = /^K10([0-9a-f]{64})::([a-z]+):(.+)$/.exec(text) ?? [];
  return password === undefined ? { caHash: undefined, user: undefined, password: text } : { caHash, user, password };
};

export const fullToken = (pem: string, user: 'server' | 'node', password: string): string =>
  `K10${caHashOf(pem)}::${user}:${password}`;

export const basicAuth = (user: string, password: string): string =>
  `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
