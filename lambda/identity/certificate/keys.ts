import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import type { Curve } from './certificate.ts';
import { malformed } from './wire.ts';

/**
 * Raw keys are cut out of and put behind fixed DER prefixes: `export({ format: 'jwk' })` deadlocks on Node 20 after
 * some hundred keys.
 */
const SPKI = {
  ed25519: Buffer.from('302a300506032b6570032100', 'hex'),
  p256: Buffer.from('3059301306072a8648ce3d020106082a8648ce3d030107034200', 'hex'),
};
const PKCS8_ED25519 = Buffer.from('302e020100300506032b657004220420', 'hex');
const RAW_LENGTH = 32;

/** An X25519 pair, raw. The private half goes into the worker's secret and nowhere else. */
export interface NodeKeyPair {
  readonly publicKey: Uint8Array;
  readonly privateKey: Uint8Array;
}

export const generateNodeKeyPair = (): NodeKeyPair => {
  const pair = generateKeyPairSync('x25519', {
    publicKeyEncoding: { type: 'spki', format: 'der' },
    privateKeyEncoding: { type: 'pkcs8', format: 'der' },
  });
  return { publicKey: pair.publicKey.subarray(-RAW_LENGTH), privateKey: pair.privateKey.subarray(-RAW_LENGTH) };
};

/** The key of a CA certificate, ready to verify with; undefined when the bytes are no key of that curve. */
export const verificationKey = (raw: Uint8Array, curve: Curve): KeyObject | undefined => {
  const prefix = curve === 'P256' ? SPKI.p256 : SPKI.ed25519;
  try {
    return createPublicKey({ key: Buffer.concat([prefix, raw]), format: 'der', type: 'spki' });
  } catch {
    return undefined;
  }
};

/** Reads the DER that KMS GetPublicKey returns. @throws CertificateRuleError when it is no Ed25519 key */
export const ed25519FromSpki = (spki: Uint8Array): { readonly raw: Buffer; readonly key: KeyObject } => {
  const der = Buffer.from(spki);
  if (der.length !== SPKI.ed25519.length + RAW_LENGTH || !der.subarray(0, SPKI.ed25519.length).equals(SPKI.ed25519)) {
    throw malformed('public key is not an Ed25519 key in SPKI form', `${der.length} bytes`);
  }
  return { raw: der.subarray(-RAW_LENGTH), key: createPublicKey({ key: der, format: 'der', type: 'spki' }) };
};

/** A CA's signing key from the 64 bytes of `ca.key`. @throws CertificateRuleError when its halves do not match */
export const caSigningKey = (raw: Uint8Array): { readonly key: KeyObject; readonly publicKey: Buffer } => {
  const der = Buffer.concat([PKCS8_ED25519, raw.subarray(0, RAW_LENGTH)]);
  const key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  const { raw: publicKey } = ed25519FromSpki(createPublicKey(key).export({ format: 'der', type: 'spki' }));
  if (!publicKey.equals(raw.subarray(RAW_LENGTH))) throw malformed('the two halves of the CA key do not match');
  return { key, publicKey };
};
