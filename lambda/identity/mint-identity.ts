import type { WorkerRow } from '#contract';
import type { CertificateRow } from '../registry/port.ts';
import {
  type Certificate,
  certificateToPem,
  fingerprintOf,
  formatAddress,
  formatInstant,
  generateNodeKeyPair,
  nodePrivateKeyToPem,
  parseAddress,
} from './certificate/index.ts';
import { renderNebulaConfig, type ServerAddresses } from './nebula-config.ts';
import type { IdentityPorts } from './ports.ts';
import { signCertificate } from './sign-certificate.ts';

type Holder = Pick<CertificateRow, 'name' | 'generation' | 'role'>;

/** The registry's row of a certificate, made before anybody gets the certificate. */
export const toCertificateRow = (certificate: Certificate, holder: Holder, now: Date): CertificateRow => {
  const { details } = certificate;
  return {
    fingerprint: fingerprintOf(certificate),
    name: holder.name,
    generation: holder.generation,
    address: formatAddress(details.networks[0]?.address ?? 0),
    groups: details.groups,
    role: holder.role,
    issuer: details.issuer,
    notBefore: formatInstant(details.notBefore),
    notAfter: formatInstant(details.notAfter),
    issuedAt: now.toISOString(),
    status: 'issued',
    pem: certificateToPem(certificate),
  };
};

/** What a worker needs to join the mesh: the fields of its secret. `nebula_node_key` must go nowhere else. */
export interface IdentityFields {
  readonly nebula_ca_crt: string;
  readonly nebula_node_crt: string;
  readonly nebula_node_key: string;
  /** Without mask. */
  readonly nebula_ip: string;
  readonly lighthouse_endpoint: string;
  /** Text of Nebula's config.yml. */
  readonly nebula_config: string;
}

export interface MintedIdentity {
  readonly row: CertificateRow;
  readonly fields: IdentityFields;
}

type Subject = Pick<WorkerRow, 'name' | 'generation' | 'role' | 'address'>;

/**
 * Makes a key pair and a certificate for a worker and records the certificate.
 * @throws CertificateRuleError, SignatureError
 */
export const mintIdentity = async (
  ports: IdentityPorts,
  worker: Subject,
  server?: ServerAddresses,
): Promise<MintedIdentity> => {
  const { settings, clock, registry } = ports;
  const issuer = await ports.issuer();
  const now = clock.now();
  const pair = generateNodeKeyPair();
  const order = {
    name: worker.name,
    network: { address: parseAddress(worker.address) ?? 0, bits: issuer.mesh.bits },
    groups: settings.roles[worker.role].groups,
    publicKey: pair.publicKey,
    days: settings.mesh.certificateDays,
    force: false,
  };
  const row = toCertificateRow(await signCertificate(issuer, order, now), worker, now);
  await registry.recordCertificate(row);
  const fields = {
    nebula_ca_crt: issuer.bundle,
    nebula_node_crt: row.pem,
    nebula_node_key: nodePrivateKeyToPem(pair.privateKey),
    nebula_ip: worker.address,
    lighthouse_endpoint: settings.mesh.lighthouseEndpoint,
    nebula_config: renderNebulaConfig(settings, worker.role, server),
  };
  return { row, fields };
};
