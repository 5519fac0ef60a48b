import { parameterName } from '#contract';
import type { Parameters } from '#shared/aws/parameters.ts';
import type { Clock } from '#shared/clock.ts';
import { ConfigurationError } from '#shared/errors.ts';
import {
  type Authority,
  type CertificateDetails,
  certificateFromPem,
  certificateToPem,
  ed25519FromSpki,
  formatInstant,
  trustAuthority,
} from './certificate/index.ts';
import { signDetails } from './sign-certificate.ts';
import type { Signer } from './signer.ts';
import { checkAuthorityRules } from './signing-rules.ts';

const DAY_SECONDS = 86_400;
/** Leaves room for backdated node certificates, which may not begin before their CA. */
const BACKDATE_SECONDS = 3600;

export interface AuthorityPorts {
  readonly signer: Signer;
  readonly parameters: Parameters;
  readonly clock: Clock;
}

export interface AuthorityOrder {
  readonly fleet: string;
  /** Id of the KMS key, part of the parameter's name: a CA belongs to one key for good. */
  readonly keyId: string;
  readonly name: string;
  /** The only groups it may certify; none for no limit. */
  readonly groups: readonly string[];
  readonly days: number;
}

/** Attributes of the custom resource. */
export interface AuthorityFacts {
  /** PEM. */
  readonly Certificate: string;
  readonly Fingerprint: string;
  /** ISO 8601. */
  readonly NotAfter: string;
  /** Name of the parameter that holds the certificate. */
  readonly Parameter: string;
}

type CaKey = ReturnType<typeof ed25519FromSpki>;

const unlike = (what: string, got: string, allowed: string, remedy: string): ConfigurationError =>
  new ConfigurationError({ what, got, allowed, remedy });

export const ROLL_OVER = 'for another CA see docs/operations.md, "Rolling over the CA"';

const describe = (name: string, groups: readonly string[]): string => `${name}, groups ${groups.join(', ') || 'any'}`;

/** @throws ConfigurationError when the kept certificate is not of this key, or not the one asked for */
const adopt = (kept: Authority, { raw }: CaKey, order: AuthorityOrder, parameter: string): void => {
  const { details } = kept.certificate;
  if (Buffer.compare(details.publicKey, raw) !== 0) {
    const remedy = `restore ${parameter} from a backup, or delete it if no node trusts that CA, and deploy again`;
    throw unlike(
      'the kept CA certificate belongs to another key',
      kept.fingerprint,
      `a CA of key ${order.keyId}`,
      remedy,
    );
  }
  const [is, wanted] = [describe(details.name, details.groups), describe(order.name, order.groups)];
  if (is !== wanted)
    throw unlike('the CA of this key exists and is another one', wanted, is, `put mesh.ca back; ${ROLL_OVER}`);
};

const factsOf = ({ certificate, fingerprint }: Authority, Parameter: string): AuthorityFacts => ({
  Certificate: certificateToPem(certificate),
  Fingerprint: fingerprint,
  NotAfter: formatInstant(certificate.details.notAfter),
  Parameter,
});

const selfSign = async (
  { signer, clock }: AuthorityPorts,
  order: AuthorityOrder,
  { raw: publicKey, key }: CaKey,
): Promise<Authority> => {
  const now = Math.floor(clock.now().getTime() / 1000);
  const details: CertificateDetails = {
    name: order.name,
    networks: [],
    unsafeNetworks: [],
    groups: order.groups,
    notBefore: now - BACKDATE_SECONDS,
    notAfter: now + Math.round(order.days * DAY_SECONDS),
    publicKey,
    isCa: true,
    issuer: '',
    curve: 'CURVE25519',
  };
  checkAuthorityRules(details);
  return trustAuthority(await signDetails(signer, details, key));
};

/** @throws ConfigurationError */
const findAuthority = async (parameters: Parameters, parameter: string): Promise<Authority | undefined> => {
  const pem = await parameters.find(parameter);
  return pem === undefined ? undefined : trustAuthority(certificateFromPem(pem));
};

/**
 * The CA of a key: signed by itself once, kept in a parameter outside the template, and adopted ever after. Signing it
 * again would make another CA, since the fingerprint covers the dates.
 * @throws ConfigurationError, CertificateRuleError, SignatureError
 */
export const createAuthority = async (ports: AuthorityPorts, order: AuthorityOrder): Promise<AuthorityFacts> => {
  const { signer, parameters } = ports;
  const parameter = parameterName.caCertificate(order.fleet, order.keyId);
  const caKey = ed25519FromSpki(await signer.publicKey());
  const kept = await findAuthority(parameters, parameter);
  if (kept !== undefined) {
    adopt(kept, caKey, order, parameter);
    return factsOf(kept, parameter);
  }
  const made = await selfSign(ports, order, caKey);
  const facts = factsOf(made, parameter);
  const stored = await parameters.create(parameter, facts.Certificate, `Nebula CA ${order.name}, fleet ${order.fleet}`);
  // Somebody was faster: theirs is the CA now.
  return stored === 'created' ? facts : await createAuthority(ports, order);
};

/**
 * An update may not change the CA of a key: every node trusts its fingerprint.
 * @param present fingerprint of the CA in use, the resource's physical id
 * @throws ConfigurationError
 */
export const keepAuthority = async (
  { signer, parameters }: AuthorityPorts,
  order: AuthorityOrder,
  present: string,
): Promise<AuthorityFacts> => {
  const parameter = parameterName.caCertificate(order.fleet, order.keyId);
  const kept = await findAuthority(parameters, parameter);
  if (kept?.fingerprint !== present) {
    throw unlike(
      'the CA in use is not the one kept for this key',
      `${kept?.fingerprint ?? 'none'} in ${parameter}`,
      present,
      ROLL_OVER,
    );
  }
  adopt(kept, ed25519FromSpki(await signer.publicKey()), order, parameter);
  return factsOf(kept, parameter);
};
