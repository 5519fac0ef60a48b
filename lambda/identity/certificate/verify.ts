import { type KeyObject, verify } from 'node:crypto';
import type { Certificate, CertificateDetails } from './certificate.ts';
import { encodeDetails, fingerprintOf } from './codec.ts';
import { verificationKey } from './keys.ts';
import { containsNetwork, formatNetwork, type Network } from './network.ts';
import { certificatesFromPem } from './pem.ts';
import { malformed } from './wire.ts';

/** A CA as verifiers need it; made by {@link trustAuthority}, so its own signature is known to be good. */
export interface Authority {
  readonly certificate: Certificate;
  readonly fingerprint: string;
  readonly key: KeyObject;
}

/** CAs by fingerprint: Nebula's `pki.ca`. */
export type AuthorityPool = ReadonlyMap<string, Authority>;

export type Verdict = { readonly ok: true } | { readonly ok: false; readonly reason: string };

export const signatureMatches = (certificate: Certificate, key: KeyObject): boolean => {
  const expected = certificate.details.curve === 'P256' ? 'ec' : 'ed25519';
  if (key.asymmetricKeyType !== expected) return false;
  const hash = expected === 'ec' ? 'sha256' : null;
  return verify(hash, encodeDetails(certificate.details), key, certificate.signature);
};

/** @throws CertificateRuleError when the certificate is not a CA, or not signed by itself */
export const trustAuthority = (certificate: Certificate): Authority => {
  const { details } = certificate;
  if (!details.isCa) throw malformed('certificate is not a CA', details.name);
  const key = verificationKey(details.publicKey, details.curve);
  if (key === undefined || !signatureMatches(certificate, key)) {
    throw malformed('certificate is not self-signed', details.name);
  }
  return { certificate, fingerprint: fingerprintOf(certificate), key };
};

export const createPool = (authorities: readonly Authority[]): AuthorityPool =>
  new Map(authorities.map((authority) => [authority.fingerprint, authority]));

/** Reads a `ca.crt` of one or more CAs. Expired ones are taken: they cannot vouch for anything, but do no harm. @throws CertificateRuleError */
export const poolFromPem = (pem: string): AuthorityPool => createPool(certificatesFromPem(pem).map(trustAuthority));

const valid = ({ notBefore, notAfter }: CertificateDetails, seconds: number): boolean =>
  notBefore <= seconds && seconds <= notAfter;

const outside = (networks: readonly Network[], limits: readonly Network[]): Network | undefined =>
  limits.length === 0
    ? undefined
    : networks.find((network) => !limits.some((limit) => containsNetwork(limit, network)));

/** What a CA allows what it signs, in Nebula's order and words; undefined when all is well. */
export const brokenConstraint = (details: CertificateDetails, ca: CertificateDetails): string | undefined => {
  if (ca.notAfter < details.notAfter) return 'certificate expires after signing certificate';
  if (ca.notBefore > details.notBefore) return 'certificate is valid before the signing certificate';
  const group = ca.groups.length === 0 ? undefined : details.groups.find((name) => !ca.groups.includes(name));
  if (group !== undefined) return `certificate contained a group not present on the signing ca: ${group}`;
  const ip = outside(details.networks, ca.networks);
  if (ip !== undefined) {
    return `certificate contained an ip assignment outside the limitations of the signing ca: ${formatNetwork(ip)}`;
  }
  const subnet = outside(details.unsafeNetworks, ca.unsafeNetworks);
  if (subnet !== undefined) {
    return `certificate contained a subnet assignment outside the limitations of the signing ca: ${formatNetwork(subnet)}`;
  }
  return undefined;
};

const reasonAgainst = (certificate: Certificate, pool: AuthorityPool, at: Date): string | undefined => {
  const { details } = certificate;
  if (details.issuer === '') return 'no issuer in certificate';
  const authority = pool.get(details.issuer);
  if (authority === undefined) return 'could not find ca for the certificate';
  const seconds = at.getTime() / 1000;
  if (!valid(authority.certificate.details, seconds)) return 'root certificate is expired';
  if (!valid(details, seconds)) return 'certificate is expired';
  if (!signatureMatches(certificate, authority.key)) return 'certificate signature did not match';
  return brokenConstraint(details, authority.certificate.details);
};

/**
 * Whether a Nebula peer that trusts these CAs would take the certificate at that instant, with Nebula's own reason if
 * not. Nebula says "expired" of certificates that are not valid yet as well.
 */
export const verifyCertificate = (certificate: Certificate, pool: AuthorityPool, at: Date): Verdict => {
  const reason = reasonAgainst(certificate, pool, at);
  return reason === undefined ? { ok: true } : { ok: false, reason };
};
