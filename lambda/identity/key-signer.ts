import { sign } from 'node:crypto';
import * as z from 'zod';
import type { Secrets } from '#shared/aws/secrets.ts';
import { ConfigurationError } from '#shared/errors.ts';
import { caPrivateKeyFromPem, caSigningKey } from './certificate/index.ts';
import type { Signer } from './signer.ts';

const SPKI_ED25519 = Buffer.from('302a300506032b6570032100', 'hex');

/** Signs with a `ca.key` held in memory: 64 bytes, seed and public key. @throws CertificateRuleError */
export const createKeySigner = (rawKey: Uint8Array): Signer => {
  const { key, publicKey } = caSigningKey(rawKey);
  return {
    publicKey: async () => Buffer.concat([SPKI_ED25519, publicKey]),
    sign: async (message) => sign(null, message, key),
  };
};

/**
 * The secret of an existing `nebula-cert` CA: `{"ca_key": <text of ca.key>, "ca_crt": <text of ca.crt>}`. The key must
 * not be encrypted (the secret is): `nebula-cert ca` without `-encrypt`, curve 25519, `-version 1` from Nebula 1.10 on.
 */
const CaSecret = z.looseObject({ ca_key: z.string(), ca_crt: z.string().optional() });

const unusable = (arn: string, what: string): ConfigurationError =>
  new ConfigurationError({
    what: `the CA's secret cannot be used: ${what}`,
    got: arn,
    allowed:
      '{"ca_key": "-----BEGIN NEBULA ED25519 PRIVATE KEY-----…", "ca_crt": "-----BEGIN NEBULA CERTIFICATE-----…"}',
    remedy: 'put the texts of ca.key (not encrypted) and ca.crt into the secret',
  });

export interface StoredAuthority {
  readonly signer: Signer;
  /** PEM of the CA's certificate; empty when the secret holds none. */
  readonly certificate: string;
}

const parseSecret = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

/** Reads an existing CA. Nothing of the key is in any message. @throws ConfigurationError */
export const readStoredAuthority = async (secrets: Pick<Secrets, 'read'>, arn: string): Promise<StoredAuthority> => {
  const parsed = CaSecret.safeParse(parseSecret(await secrets.read(arn)));
  if (!parsed.success) throw unusable(arn, 'it is not JSON with ca_key');
  try {
    const signer = createKeySigner(caPrivateKeyFromPem(parsed.data.ca_key));
    return { signer, certificate: parsed.data.ca_crt ?? '' };
  } catch (error) {
    throw unusable(arn, error instanceof Error ? error.message : 'ca_key is not readable');
  }
};
