import { createHash } from 'node:crypto';
import type { CertificateRow, LaunchFacts, Registry, Reservation } from '../../lambda/registry/port.ts';

export const PROVISION_MACHINE = 'arn:aws:states:us-west-2:111122223333:stateMachine:carrierarr-provision';
export const TEARDOWN_MACHINE = 'arn:aws:states:us-west-2:111122223333:stateMachine:carrierarr-teardown';
export const executionArn = (name: string, machine = PROVISION_MACHINE): string =>
  `${machine.replace(':stateMachine:', ':execution:')}:${name}`;

export interface ReservationOverrides extends Partial<Omit<Reservation, 'worker'>> {
  readonly worker?: Partial<Reservation['worker']>;
}

/** A gpu-worker by default; the hash follows from the worker unless it is given. */
export const aReservation = (name: string, { worker, ...overrides }: ReservationOverrides = {}): Reservation => {
  const complete: Reservation['worker'] = {
    contract: 1,
    name,
    role: 'gpu-worker',
    instanceTypes: ['g4dn.xlarge', 'g5.xlarge'],
    market: 'spot',
    onDemandFallback: true,
    amiId: '',
    cluster: 'aws-k3s',
    ...worker,
  };
  return {
    worker: complete,
    requestHash: createHash('sha256').update(JSON.stringify(complete)).digest('hex'),
    input: JSON.stringify({ name }),
    owner: (generation) => executionArn(`${name}-${generation}`),
    ...overrides,
  };
};

/** Reserves and answers with what the steps after it need. */
export const aReservedLife = async (registry: Registry, name: string, overrides: ReservationOverrides = {}) => {
  const { row } = await registry.reserve(aReservation(name, overrides));
  return { name, generation: row.generation, execution: row.owner, address: row.address };
};

export const launchFacts = (overrides: Partial<LaunchFacts> = {}): LaunchFacts => ({
  instanceId: 'i-0123456789abcdef0',
  instanceArn: 'arn:aws:ec2:us-west-2:111122223333:instance/i-0123456789abcdef0',
  instanceType: 'g4dn.xlarge',
  availabilityZone: 'us-west-2a',
  launchedMarket: 'spot',
  launchedAmiId: 'ami-0f24e5b7febd29ea3',
  privateIp: '10.0.0.10',
  publicIp: '203.0.113.10',
  launchedAt: '2026-11-21T10:00:00.000Z',
  ...overrides,
});

export const aCertificate = (overrides: Partial<CertificateRow> = {}): CertificateRow => ({
  fingerprint: 'f'.repeat(64),
  name: 'gpu-worker-001',
  generation: 'mhx0000a',
  address: '10.100.2.1',
  groups: ['workers', 'aws'],
  role: 'gpu-worker',
  issuer: 'c'.repeat(64),
  notBefore: '2026-11-21T10:00:00.000Z',
  notAfter: '2026-11-28T10:00:00.000Z',
  issuedAt: '2026-11-21T10:00:00.000Z',
  status: 'issued',
  pem: '-----BEGIN NEBULA CERTIFICATE-----\n-----END NEBULA CERTIFICATE-----\n',
  ...overrides,
});
