import { CertificateRuleError, type ErrorFacts } from '#shared/errors.ts';
import {
  brokenConstraint,
  type CertificateDetails,
  containsAddress,
  encodeDetails,
  firstOf,
  formatAddress,
  formatInstant,
  formatNetwork,
  lastOf,
  type Network,
} from './certificate/index.ts';
import type { Issuer } from './issuer.ts';
import { MAXIMUM_MESSAGE_BYTES } from './signer.ts';

/** What a rule sees beside the certificate. */
export interface SigningContext {
  readonly issuer: Pick<Issuer, 'authority' | 'mesh' | 'lighthouse'>;
  readonly now: Date;
  /** Only a narrower mask can be forced. */
  readonly force: boolean;
}

/** Holds for a CA as well: it needs to know nothing but the certificate. */
type IntrinsicRule = (details: CertificateDetails) => ErrorFacts | undefined;
type Rule = (details: CertificateDetails, context: SigningContext) => ErrorFacts | undefined;

const MAXIMUM_NAME_BYTES = 253;
const PUBLIC_KEY_BYTES = 32;
/** A point-to-point mask has neither network nor broadcast address. */
const POINT_TO_POINT = 31;

const name: IntrinsicRule = ({ name }) => {
  const bytes = Buffer.byteLength(name);
  if (bytes >= 1 && bytes <= MAXIMUM_NAME_BYTES && name.trim() !== '' && name.isWellFormed()) return undefined;
  return {
    what: 'a certificate needs a name',
    got: bytes === 0 ? 'an empty one' : `${bytes} bytes${name.isWellFormed() ? '' : ', not well-formed Unicode'}`,
    allowed: `1 to ${MAXIMUM_NAME_BYTES} bytes of well-formed text, not only blanks`,
    remedy: 'give the certificate a name',
  };
};

const groups: IntrinsicRule = ({ groups }) => {
  const bad = groups.find(
    (group) => group === '' || group !== group.trim() || group.includes(',') || !group.isWellFormed(),
  );
  if (bad === undefined) return undefined;
  return {
    what: 'a group cannot be written like this: nebula-cert separates groups at commas and trims them',
    got: JSON.stringify(bad),
    allowed: 'text without commas, not empty, no blanks around it',
    remedy: 'correct the group',
  };
};

const publicKey: IntrinsicRule = ({ publicKey, curve }) => {
  if (curve === 'CURVE25519' && publicKey.length === PUBLIC_KEY_BYTES && publicKey.some((byte) => byte !== 0)) {
    return undefined;
  }
  return {
    what: 'the public key is not one this CA can certify',
    got: `${publicKey.length} bytes under a CA of curve ${curve}`,
    allowed: `an X25519 key of ${PUBLIC_KEY_BYTES} bytes under a CA of CURVE25519`,
    remedy: 'make the pair with nebula-cert keygen, without -curve',
  };
};

const onlyNetwork = ({ networks }: CertificateDetails): Network | undefined =>
  networks.length === 1 ? networks[0] : undefined;

const oneNetwork: Rule = (details) =>
  onlyNetwork(details) !== undefined && details.unsafeNetworks.length === 0
    ? undefined
    : {
        what: 'a certificate carries exactly one mesh address and no networks behind it',
        got: `${details.networks.length} addresses, ${details.unsafeNetworks.length} networks`,
        allowed: 'one address',
        remedy: 'ask for one certificate per address',
      };

const mask: Rule = (details, { issuer: { mesh }, force }) => {
  const network = onlyNetwork(details);
  if (network === undefined || network.bits === mesh.bits || (force && network.bits > mesh.bits)) return undefined;
  const narrower = network.bits > mesh.bits;
  return {
    what: narrower
      ? 'the mask is narrower than the mesh: the node could not reach the others, nor start without the lighthouse in it'
      : 'the mask is wider than the mesh',
    got: formatNetwork(network),
    allowed: `/${mesh.bits}`,
    remedy: narrower ? `use /${mesh.bits}, or force the mask if you know why` : `use /${mesh.bits}`,
  };
};

const hostAddress: Rule = (details, { issuer: { mesh, lighthouse } }) => {
  const network = onlyNetwork(details);
  if (network === undefined) return undefined;
  const { address, bits } = network;
  const ends = [mesh, ...(bits < POINT_TO_POINT ? [network] : [])].flatMap((range) => [firstOf(range), lastOf(range)]);
  if (containsAddress(mesh, address) && !ends.includes(address) && address !== lighthouse) return undefined;
  return {
    what: 'the mesh address cannot be given to a node',
    got: formatNetwork(network),
    allowed: `a host of ${formatNetwork({ ...mesh, address: firstOf(mesh) })}: not its network or broadcast address, nor the lighthouse's ${formatAddress(lighthouse)}`,
    remedy: 'choose another address',
  };
};

const life: Rule = ({ notBefore, notAfter }, { issuer, now }) => {
  const ca = issuer.authority.certificate.details;
  const seconds = now.getTime() / 1000;
  const caValid = ca.notBefore <= seconds && seconds <= ca.notAfter;
  if (caValid && notBefore < notAfter && notAfter > seconds && notAfter <= ca.notAfter) return undefined;
  return {
    what: caValid ? "the certificate's life would not lie inside its CA's" : 'the CA is not valid now',
    got: `${formatInstant(notBefore)} to ${formatInstant(notAfter)}, now ${now.toISOString()}`,
    allowed: `within ${formatInstant(ca.notBefore)} to ${formatInstant(ca.notAfter)}`,
    remedy: 'ask for fewer days, or see docs/operations.md, "Rolling over the CA"',
  };
};

/** What every peer checks again; last, since the rules above explain the common cases better. */
const authorityLimits: Rule = (details, { issuer }) => {
  const ca = issuer.authority.certificate.details;
  const broken = brokenConstraint(details, ca);
  if (broken === undefined) return undefined;
  return {
    what: `every peer would refuse it: ${broken}`,
    got: `groups ${details.groups.join(', ') || 'none'}; networks ${details.networks.map(formatNetwork).join(', ')}`,
    allowed: `groups ${ca.groups.join(', ') || 'any'}; networks ${ca.networks.map(formatNetwork).join(', ') || 'any'}`,
    remedy: "stay within the CA's limits; for another CA see docs/operations.md",
  };
};

const size: IntrinsicRule = (details) => {
  const bytes = encodeDetails(details).length;
  if (bytes <= MAXIMUM_MESSAGE_BYTES) return undefined;
  return {
    what: 'the certificate is too large to be signed, and it travels in every handshake',
    got: `${bytes} bytes`,
    allowed: `${MAXIMUM_MESSAGE_BYTES} bytes`,
    remedy: 'give it fewer groups',
  };
};

const INTRINSIC: readonly IntrinsicRule[] = [name, groups, publicKey, size];
const OF_NODES: readonly Rule[] = [oneNetwork, mask, hostAddress, life, authorityLimits];

const enforce = (facts: ErrorFacts | undefined): void => {
  if (facts !== undefined) throw new CertificateRuleError(facts);
};

/** @throws CertificateRuleError for the first broken rule */
export const checkAuthorityRules = (details: CertificateDetails): void => {
  for (const rule of INTRINSIC) enforce(rule(details));
};

/**
 * Nebula's rules, enforced where somebody can still read the reason: a certificate that breaks one is refused by every
 * peer, or cuts its node off.
 * @throws CertificateRuleError for the first broken rule
 */
export const checkSigningRules = (details: CertificateDetails, context: SigningContext): void => {
  for (const rule of INTRINSIC) enforce(rule(details));
  for (const rule of OF_NODES) enforce(rule(details, context));
};
