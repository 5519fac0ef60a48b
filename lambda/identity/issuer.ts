import type { FleetSettings } from '#contract';
import { ConfigurationError } from '#shared/errors.ts';
import {
  type Authority,
  certificateFromPem,
  certificatesFromPem,
  certificateToPem,
  type Network,
  parseAddress,
  parseNetwork,
  trustAuthority,
} from './certificate/index.ts';
import type { Signer } from './signer.ts';

/** Everything that signing takes: a CA, whoever holds its key, and the mesh it signs for. */
export interface Issuer {
  readonly signer: Signer;
  readonly authority: Authority;
  readonly mesh: Network;
  /** No certificate but the lighthouse's own, made in the homelab, carries it. */
  readonly lighthouse: number;
  /** PEM of every CA the mesh trusts, ours first: `pki.ca` of a node. */
  readonly bundle: string;
}

type Mesh = Pick<FleetSettings['mesh'], 'cidr' | 'lighthouseAddress' | 'trustedCas'>;

/** Re-encoded, so that comments, blank lines and Windows line ends of a configuration file never reach a node. */
const bundleOf = (authority: Authority, trusted: readonly string[]): string => {
  const others = trusted.flatMap((pem) => certificatesFromPem(pem).map((certificate) => trustAuthority(certificate)));
  const all = new Map([authority, ...others].map((one) => [one.fingerprint, certificateToPem(one.certificate)]));
  return [...all.values()].join('');
};

const misconfigured = (what: string, cause: unknown): ConfigurationError =>
  new ConfigurationError({
    what: `${what}: ${cause instanceof Error ? cause.message : 'not readable'}`,
    allowed: 'CA certificates of Nebula, version 1, in PEM; the mesh as an IPv4 range',
    remedy: 'correct mesh.ca and mesh.trustedCas in the configuration and deploy again',
    cause,
  });

/** @throws ConfigurationError when the CA, the trusted CAs or the mesh cannot be read */
export const createIssuer = (signer: Signer, caPem: string, settings: Mesh): Issuer => {
  const mesh = parseNetwork(settings.cidr);
  const lighthouse = parseAddress(settings.lighthouseAddress);
  if (mesh === undefined || lighthouse === undefined) {
    throw misconfigured(`mesh ${settings.cidr} with lighthouse ${settings.lighthouseAddress}`, undefined);
  }
  try {
    const authority = trustAuthority(certificateFromPem(caPem));
    return { signer, authority, mesh, lighthouse, bundle: bundleOf(authority, settings.trustedCas) };
  } catch (error) {
    throw misconfigured("the mesh's CAs cannot be used", error);
  }
};
