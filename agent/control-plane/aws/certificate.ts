import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { ConfigurationError } from '#shared/errors.ts';

/** A certificate with its key, as requests to IAM Roles Anywhere are signed with. */
export interface SigningCertificate {
  readonly certificate: X509Certificate;
  /** Those between it and the trust anchor; usually none. */
  readonly chain: readonly X509Certificate[];
  readonly key: KeyObject;
}

const REMEDY = 'make them with `carrierarr homelab certificate` and put both into the Secret control-plane-aws';
const BLOCK = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

const fault = (what: string, got: string, cause?: unknown): ConfigurationError =>
  new ConfigurationError({ what, got, remedy: REMEDY, cause });

const read = async (file: string, meaning: string): Promise<string> => {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
    throw fault(`${meaning} cannot be read`, `${file}: ${code}`, error);
  }
};

const parse = <T>(make: () => T, meaning: string, file: string): T => {
  try {
    return make();
  } catch {
    // What OpenSSL says of a key may hold a part of it.
    throw fault(`${meaning} is malformed`, file);
  }
};

/**
 * Reads both files anew, since a Secret's volume changes under a running pod.
 *
 * @throws ConfigurationError when one is missing or malformed, they do not belong together, or the time is over
 */
export const readSigningCertificate = async (
  files: { readonly certificateFile: string; readonly keyFile: string },
  now: Date,
): Promise<SigningCertificate> => {
  const { certificateFile, keyFile } = files;
  const blocks = (await read(certificateFile, 'the certificate for AWS')).match(BLOCK) ?? [];
  const [certificate, ...chain] = parse(
    () => blocks.map((pem) => new X509Certificate(pem)),
    'the certificate for AWS',
    certificateFile,
  );
  if (certificate === undefined) throw fault('the certificate for AWS is malformed', certificateFile);
  const pem = await read(keyFile, 'the key for AWS');
  const key = parse(() => createPrivateKey(pem), 'the key for AWS', keyFile);
  if (!certificate.checkPrivateKey(key))
    throw fault('certificate and key for AWS do not belong together', `${certificateFile} and ${keyFile}`);
  if (certificate.validToDate <= now)
    throw fault('the certificate for AWS is over', `valid until ${certificate.validToDate.toISOString()}`);
  return { certificate, chain, key };
};
