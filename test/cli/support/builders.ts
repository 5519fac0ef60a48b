import type { CertificateView, FleetSettings, Problem, WorkerView } from '#contract';

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
  certificateFingerprint: 'ab'.repeat(32),
  certificateNotAfter: '2026-11-28T12:00:00.000Z',
  failure: null,
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

export const fleetSettings = (overrides: Partial<FleetSettings> = {}): FleetSettings => ({
  fleet: 'carrierarr',
  region: REGION,
  mesh: {
    cidr: '10.100.0.0/16',
    firstWorkerAddress: '10.100.2.1',
    lighthouseAddress: '10.100.0.1',
    lighthouseEndpoint: 'nebula.example.org:4242',
    addressCooldownSeconds: 0,
    certificateDays: 7,
    trustedCas: [],
  },
  network: {
    vpcCidr: '10.200.0.0/16',
    podCidr: '10.42.0.0/16',
    serviceCidr: '10.43.0.0/16',
    homelabPodCidr: '10.244.0.0/16',
    subnetIds: ['subnet-1'],
  },
  cluster: {
    name: 'aws-k3s',
    kubeProxyReplacement: true,
    nodeNetwork: 'vpc',
    disable: ['traefik', 'servicelb'],
    gpuTaint: true,
  },
  secretPrefix: 'catalyst-llm',
  controlPlane: '10.100.0.1:50051',
  roles: {
    lighthouse: {
      instanceTypes: ['t3.medium'],
      market: 'on-demand',
      onDemandFallback: false,
      groups: ['workers', 'aws'],
    },
    'gpu-worker': {
      instanceTypes: ['g4dn.xlarge'],
      market: 'spot',
      onDemandFallback: true,
      groups: ['workers', 'aws'],
    },
  },
  limits: {
    ssmOnlineSeconds: 300,
    bootSeconds: 180,
    clusterSeconds: 900,
    terminateSeconds: 600,
    sweepMinimumAgeSeconds: 900,
  },
  ...overrides,
});
