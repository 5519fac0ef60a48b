import { CertificateRuleError } from '#shared/errors.ts';
import type { CertificateRow, Life } from '../registry/port.ts';
import { certificateFromPem } from './certificate/index.ts';

/** Issued, not revoked, not expired. */
export const isInForce = (row: CertificateRow, now: Date): boolean =>
  row.status === 'issued' && Date.parse(row.notAfter) > now.getTime();

/**
 * One name, one holder: peers and people tell nodes by name, and a second holder would be taken for the first.
 * @param rows the certificates of that name
 * @throws CertificateRuleError
 */
export const assertNameFree = (rows: readonly CertificateRow[], life: Life, now: Date): void => {
  const other = rows.find((row) => row.generation !== life.generation && isInForce(row, now));
  if (other === undefined) return;
  throw new CertificateRuleError({
    what: `the name ${life.name} is already certified`,
    got: `certificate ${other.fingerprint} of ${other.role === 'external' ? 'a node outside the fleet' : `life ${other.generation}`}, in force until ${other.notAfter}`,
    allowed: 'a name without a certificate in force',
    remedy: 'choose another name, or tear down what holds this one',
  });
};

export const hasKey = (row: CertificateRow, publicKey: Uint8Array): boolean =>
  Buffer.compare(certificateFromPem(row.pem).details.publicKey, publicKey) === 0;

/**
 * A peer's blocklist names certificates, not keys: a new certificate for the key of a revoked one would bring its
 * holder back.
 * @throws CertificateRuleError
 */
export const assertKeyNotRevoked = (rows: readonly CertificateRow[], publicKey: Uint8Array): void => {
  const revoked = rows.find((row) => row.status === 'revoked' && hasKey(row, publicKey));
  if (revoked === undefined) return;
  throw new CertificateRuleError({
    what: 'the public key belongs to a revoked certificate',
    got: `${revoked.fingerprint} of ${revoked.name}, revoked ${revoked.revokedAt ?? ''}`,
    allowed: 'a key that was never revoked',
    remedy: 'make a new pair with nebula-cert keygen and send its public key',
  });
};
