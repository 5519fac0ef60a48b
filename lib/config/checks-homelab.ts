import { X509Certificate } from 'node:crypto';
import type { Fault } from '#shared/errors.ts';
import { type Raw, textAt } from './raw.ts';

const FIELD = 'homelab.controlPlane.trustAnchor';
const BLOCK = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;
/** What IAM Roles Anywhere can verify a signature of. */
const KEY_KINDS = ['ec', 'rsa'];

const faultOf = (pem: string): string | undefined => {
  let certificate: X509Certificate;
  try {
    certificate = new X509Certificate(pem);
  } catch {
    return 'something that is no certificate';
  }
  if (!certificate.ca) return `the certificate of ${certificate.subject}, which may not sign others`;
  const kind = certificate.publicKey.asymmetricKeyType ?? 'unknown';
  return KEY_KINDS.includes(kind) ? undefined : `a CA with a key of type ${kind}`;
};

/** A trust anchor that is none is refused by AWS in the middle of a deployment. */
const trustAnchor = (raw: Raw): Fault[] =>
  (textAt(raw, FIELD).match(BLOCK) ?? []).flatMap((pem) => {
    const got = faultOf(pem);
    if (got === undefined) return [];
    const allowed = 'X.509 certificates of a CA (basicConstraints CA:TRUE) with an EC or RSA key';
    return [{ field: FIELD, what: 'is no CA', got, allowed }];
  });

export const HOMELAB_CHECKS = [trustAnchor];
