import type { CertificateView, FleetSettings, Problem, WorkerView } from '#contract';
import { fleetSettings as seedSettings } from '../../support/fleet-settings.ts';

export const NOW = new Date('2026-11-21T12:00:00Z');
export const REGION = 'us-west-2';
const arn = (kind: string, machine: string): string =>
  `arn:aws:states:${REGION}:000000000000:${kind}:carrierarr-${machine}`;
export const machineArn = (machine: string): string => arn('stateMachine', machine);
export const executionArn = (machine: string, name: string): string => `${arn('execution', machine)}:${name}`;

export const aWorker = (overrides: Partial<WorkerView> = {}): WorkerView => ({
  name: 'gpu-worker-a1b2',
  role: 'gpu-worker',
  phase: 'READY',
  address: '10.100.2.1',
  generation: 'm1abcd',
  execution: executionArn('provision', 'gpu-worker-a1b2-m1abcd'),
  instanceId: 'i-0123456789abcdef0',
  instanceType: 'g4dn.xlarge',
  market: 'spot',
  availabilityZone: 'us-west-2a',
  publicIp: '203.0.113.7',
  cluster: 'aws-k3s',
  details: {},
  coldStart: null,
  certificateFingerprint: 'ab'.repeat(32),
  certificateNotAfter: '2026-11-28T12:00:00.000Z',
  failure: null,
  agentHealth: null,
  idle: null,
  removal: null,
  reservedAt: '2026-11-21T09:00:00.000Z',
  updatedAt: '2026-11-21T09:02:00.000Z',
  ...overrides,
});

export const aCertificate = (overrides: Partial<CertificateView> = {}): CertificateView => ({
  fingerprint: 'ab'.repeat(32),
  name: 'gpu-worker-a1b2',
  address: '10.100.2.1',
  groups: ['workers', 'aws'],
  role: 'gpu-worker',
  issuer: 'cd'.repeat(32),
  notBefore: '2026-11-21T11:55:00.000Z',
  notAfter: '2026-11-28T12:00:00.000Z',
  issuedAt: '2026-11-21T12:00:00.000Z',
  status: 'issued',
  pem: 'no certificate',
  ...overrides,
});

export const aProblem = (overrides: Partial<Problem> = {}): Problem => ({
  type: 'about:blank',
  title: 'NameConflictError',
  status: 409,
  detail: 'the name is in use with another request',
  faults: [],
  remedy: 'choose another name',
  ...overrides,
});

export const fleetSettings = (overrides: Partial<FleetSettings> = {}): FleetSettings => {
  const base = seedSettings();
  return {
    ...base,
    mesh: { ...base.mesh, lighthouseEndpoint: 'nebula.example.org:4242', addressCooldownSeconds: 0 },
    roles: { ...base.roles, 'gpu-worker': { ...base.roles['gpu-worker'], instanceTypes: ['g4dn.xlarge'] } },
    ...overrides,
  };
};
