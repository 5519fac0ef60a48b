import { type CertificateRequest, CertificateView, type IssuedCertificate } from '#contract';
import { CertificateRuleError, InputError, NameConflictError } from '#shared/errors.ts';
import type { CertificateRow } from '../registry/port.ts';
import { formatAddress, type Network, parseAddress, parseNetwork, publicKeyFromPem } from './certificate/index.ts';
import { assertKeyNotRevoked, assertNameFree, hasKey, isInForce } from './check-claims.ts';
import type { Issuer } from './issuer.ts';
import { toCertificateRow } from './mint-identity.ts';
import type { IdentityPorts } from './ports.ts';
import { type CertificateOrder, draftCertificate, signCertificate } from './sign-certificate.ts';

/** Certificates for nodes outside the fleet: the key was made elsewhere and its private half is never seen here. */
const EXTERNAL = 'external';

const readPublicKey = (pem: string): Buffer => {
  try {
    const { raw, curve } = publicKeyFromPem(pem);
    if (curve === 'CURVE25519') return raw;
  } catch (error) {
    if (!(error instanceof CertificateRuleError)) throw error;
  }
  const allowed = 'PEM of a NEBULA X25519 PUBLIC KEY, as nebula-cert keygen -out-pub writes it';
  throw new InputError([
    { field: 'publicKey', what: 'not a public key this CA can certify', got: `${pem.length} characters`, allowed },
  ]);
};

const askedNetwork = (text: string, mesh: Network): Network => {
  const address = parseAddress(text);
  const network = address === undefined ? parseNetwork(text) : { address, bits: mesh.bits };
  if (network !== undefined) return network;
  const allowed = 'an IPv4 address, with a mask or without';
  throw new InputError([{ field: 'address', what: 'not an address', got: text, allowed }]);
};

/** @throws NameConflictError when a worker bears the name */
const assertNoWorker = async ({ registry }: IdentityPorts, name: string): Promise<void> => {
  const worker = await registry.find(name);
  if (worker === undefined || worker.phase === 'REMOVED') return;
  throw new NameConflictError({
    what: `${name} is a worker of the fleet`,
    got: `phase ${worker.phase}, address ${worker.address}`,
    allowed: 'a name that no worker bears; a worker gets its certificate from the fleet',
    remedy: 'choose another name, or tear the worker down',
  });
};

/**
 * The holder of a key may have its certificate renewed; anything else under a name in force replaces somebody.
 * @throws CertificateRuleError
 */
const assertReplaceable = (inForce: readonly CertificateRow[], request: CertificateRequest, key: Buffer): void => {
  const address = request.address?.split('/')[0];
  const other = inForce.find((row) => !hasKey(row, key) || (address ?? row.address) !== row.address);
  if (other === undefined || request.force === true) return;
  throw new CertificateRuleError({
    what: `the name ${request.name} is already certified with another key or address`,
    got: `certificate ${other.fingerprint} for ${other.address}, in force until ${other.notAfter}`,
    allowed: 'the same public key and address, which renews it',
    remedy: 'choose another name, or force it: a certificate of another key is then revoked',
  });
};

interface Prepared {
  readonly issuer: Issuer;
  readonly order: CertificateOrder;
  readonly inForce: readonly CertificateRow[];
  readonly addressKnown: boolean;
}

const prepare = async (ports: IdentityPorts, request: CertificateRequest, now: Date): Promise<Prepared> => {
  const { registry, settings } = ports;
  const issuer = await ports.issuer();
  const publicKey = readPublicKey(request.publicKey);
  await assertNoWorker(ports, request.name);
  const rows = await registry.listCertificates();
  const inForce = rows.filter((row) => row.name === request.name && isInForce(row, now));
  assertNameFree(inForce, { name: request.name, generation: EXTERNAL }, now);
  assertKeyNotRevoked(rows, publicKey);
  assertReplaceable(inForce, request, publicKey);
  const known = request.address ?? inForce[0]?.address;
  const order = {
    name: request.name,
    // Where none is known the rules are checked with the first; the registry then picks.
    network: askedNetwork(known ?? settings.mesh.firstWorkerAddress, issuer.mesh),
    groups: request.groups ?? settings.roles['gpu-worker'].groups,
    publicKey,
    days: request.days ?? settings.mesh.certificateDays,
    force: request.force ?? false,
  };
  return { issuer, order, inForce, addressKnown: known !== undefined };
};

/**
 * Certifies a public key that was made elsewhere. All rules are checked before an address is taken, and the certificate
 * is recorded before it is handed out.
 * @throws InputError, NameConflictError, CertificateRuleError, AddressError, SignatureError
 */
export const certifyNode = async (ports: IdentityPorts, request: CertificateRequest): Promise<IssuedCertificate> => {
  const { registry, clock } = ports;
  const { name } = request;
  const now = clock.now();
  const { issuer, order, inForce, addressKnown } = await prepare(ports, request, now);
  const until = new Date(draftCertificate(issuer, order, now).notAfter * 1000);
  const wanted = formatAddress(order.network.address);
  const held = await registry.holdAddress({ name, until, ...(addressKnown && { address: wanted }) });
  const network = { address: parseAddress(held) ?? 0, bits: order.network.bits };

  const certificate = await signCertificate(issuer, { ...order, network }, now);
  const holder = { name, generation: EXTERNAL, role: EXTERNAL } as const;
  const row = toCertificateRow(certificate, holder, now);
  if (inForce.some((old) => !hasKey(old, order.publicKey))) {
    await registry.revokeCertificates({ name, generation: EXTERNAL });
  }
  await registry.recordCertificate(row);
  return { ...CertificateView.parse(row), ca: issuer.bundle };
};
