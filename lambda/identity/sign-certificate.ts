import type { KeyObject } from 'node:crypto';
import { SignatureError } from '#shared/errors.ts';
import {
  type Certificate,
  type CertificateDetails,
  encodeDetails,
  type Network,
  signatureMatches,
} from './certificate/index.ts';
import type { Issuer } from './issuer.ts';
import type { Signer } from './signer.ts';
import { checkSigningRules } from './signing-rules.ts';

const DAY_SECONDS = 86_400;
/** A node whose clock runs behind takes a young certificate for an expired one and does not start. */
const BACKDATE_SECONDS = 300;

export interface CertificateOrder {
  readonly name: string;
  readonly network: Network;
  readonly groups: readonly string[];
  readonly publicKey: Uint8Array;
  readonly days: number;
  /** Takes a mask narrower than the mesh's. */
  readonly force: boolean;
}

/**
 * Signs and checks the signature before anybody sees it: a wrong key, a wrong algorithm or a signer that hashes first
 * would otherwise show as a mesh in which nobody answers.
 * @param caKey the CA's public key
 * @throws SignatureError
 */
export const signDetails = async (
  signer: Signer,
  details: CertificateDetails,
  caKey: KeyObject,
): Promise<Certificate> => {
  const certificate = { details, signature: await signer.sign(encodeDetails(details)) };
  if (signatureMatches(certificate, caKey)) return certificate;
  throw new SignatureError({
    what: `the signature over the certificate ${details.name} does not verify against the CA`,
    got: `${certificate.signature.length} bytes`,
    allowed: "an Ed25519 signature by the CA's key",
    remedy: 'the signing key is not the one of the CA certificate: compare mesh.ca in the configuration with the key',
  });
};

/** What would be signed, once it keeps all the rules. @throws CertificateRuleError */
export const draftCertificate = (issuer: Issuer, order: CertificateOrder, now: Date): CertificateDetails => {
  const ca = issuer.authority.certificate.details;
  const seconds = Math.floor(now.getTime() / 1000);
  const details: CertificateDetails = {
    name: order.name,
    networks: [order.network],
    unsafeNetworks: [],
    groups: order.groups,
    notBefore: Math.max(seconds - BACKDATE_SECONDS, ca.notBefore),
    notAfter: seconds + Math.round(order.days * DAY_SECONDS),
    publicKey: order.publicKey,
    isCa: false,
    issuer: issuer.authority.fingerprint,
    curve: ca.curve,
  };
  checkSigningRules(details, { issuer, now, force: order.force });
  return details;
};

/** @throws CertificateRuleError, SignatureError */
export const signCertificate = async (issuer: Issuer, order: CertificateOrder, now: Date): Promise<Certificate> =>
  await signDetails(issuer.signer, draftCertificate(issuer, order, now), issuer.authority.key);
