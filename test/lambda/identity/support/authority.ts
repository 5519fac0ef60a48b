import { createHash, createPrivateKey, createPublicKey, type KeyObject, sign } from 'node:crypto';
import {
  type Authority,
  type Certificate,
  type CertificateDetails,
  caSigningKey,
  encodeDetails,
  generateNodeKeyPair,
  type Network,
  parseNetwork,
  trustAuthority,
} from '../../../../lambda/identity/certificate/index.ts';

/** Within the life of every golden certificate. */
export const NOW = new Date('2026-11-22T00:00:00Z');
const nowSeconds = NOW.getTime() / 1000;
const DAY = 86_400;

export const network = (text: string): Network => {
  const parsed = parseNetwork(text);
  if (parsed === undefined) throw new Error(`test names a bad network: ${text}`);
  return parsed;
};

export interface TestAuthority extends Authority {
  readonly signingKey: KeyObject;
  /** The 64 bytes of a `ca.key`. */
  readonly rawKey: Buffer;
}

const publicKeyOf = (seed: Buffer): Buffer => {
  const der = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), seed]);
  const key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  return createPublicKey(key).export({ format: 'der', type: 'spki' }).subarray(-32);
};

/** A CA whose key is derived from a phrase, so that no key material lies in the repository. */
export const testAuthority = (overrides: Partial<CertificateDetails> = {}, phrase = 'test CA'): TestAuthority => {
  const seed = createHash('sha256').update(`carrierarr ${phrase}`).digest();
  const publicKey = publicKeyOf(seed);
  const rawKey = Buffer.concat([seed, publicKey]);
  const { key } = caSigningKey(rawKey);
  const details: CertificateDetails = {
    name: 'talos-homelab-mesh',
    networks: [],
    unsafeNetworks: [],
    groups: ['workers', 'aws'],
    notBefore: nowSeconds - DAY,
    notAfter: nowSeconds + 3650 * DAY,
    publicKey,
    isCa: true,
    issuer: '',
    curve: 'CURVE25519',
    ...overrides,
  };
  const certificate = { details, signature: sign(null, encodeDetails(details), key) };
  return { ...trustAuthority(certificate), signingKey: key, rawKey };
};

export const nodeDetails = (authority: Authority, overrides: Partial<CertificateDetails> = {}): CertificateDetails => ({
  name: 'gpu-worker-001',
  networks: [network('10.100.2.1/16')],
  unsafeNetworks: [],
  groups: ['workers', 'aws'],
  notBefore: nowSeconds - 300,
  notAfter: nowSeconds + 7 * DAY,
  publicKey: generateNodeKeyPair().publicKey,
  isCa: false,
  issuer: authority.fingerprint,
  curve: 'CURVE25519',
  ...overrides,
});

export const signedBy = (authority: TestAuthority, overrides: Partial<CertificateDetails> = {}): Certificate => {
  const details = nodeDetails(authority, overrides);
  return { details, signature: sign(null, encodeDetails(details), authority.signingKey) };
};
