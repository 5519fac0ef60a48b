import {
  type CertificateDetails,
  certificateToPem,
  fingerprintOf,
  generateNodeKeyPair,
  nodePrivateKeyToPem,
} from '../../lambda/identity/certificate/index.ts';
import { renderNebulaConfig } from '../../lambda/identity/nebula-config.ts';
import { network, signedBy, testAuthority } from '../lambda/identity/support/authority.ts';
import { settings } from '../lambda/identity/support/settings.ts';

export const WORKER = 'gpu-worker-001';
export const ADDRESS = '10.100.2.1';
const HOUR = 3600;

/** The CA of these tests, valid now. */
export const authority = testAuthority({
  notBefore: Math.floor(Date.now() / 1000) - HOUR,
  notAfter: Math.floor(Date.now() / 1000) + 1000 * HOUR,
});

export interface TestIdentity {
  readonly fingerprint: string;
  readonly privateKeyPem: string;
  readonly notAfter: number;
  /** What the worker's secret holds. */
  readonly secret: Record<string, string>;
}

/** What an agent shows the control plane; no two are the same. */
export const anAgentToken = (): string =>
  [crypto.randomUUID(), crypto.randomUUID(), crypto.randomUUID()].map((part) => part.replaceAll('-', '_')).join('.');

/** A worker's identity as the identity function issues it. */
export const anIdentity = (details: Partial<CertificateDetails> = {}, address = ADDRESS): TestIdentity => {
  const now = Math.floor(Date.now() / 1000);
  const keys = generateNodeKeyPair();
  const certificate = signedBy(authority, {
    name: WORKER,
    networks: [network(`${address}/16`)],
    notBefore: now - 300,
    notAfter: now + 100 * HOUR,
    publicKey: keys.publicKey,
    ...details,
  });
  const privateKeyPem = nodePrivateKeyToPem(keys.privateKey);
  return {
    fingerprint: fingerprintOf(certificate),
    privateKeyPem,
    notAfter: certificate.details.notAfter,
    secret: {
      nebula_ca_crt: certificateToPem(authority.certificate),
      nebula_node_crt: certificateToPem(certificate),
      nebula_node_key: privateKeyPem,
      nebula_ip: address,
      lighthouse_endpoint: 'nebula.knowledgedump.space:4242',
      nebula_config: renderNebulaConfig(settings(), 'gpu-worker'),
    },
  };
};
