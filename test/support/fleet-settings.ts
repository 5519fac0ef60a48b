import type { FleetSettings } from '#contract';

/** What the functions are told of a fleet with the seed's defaults. */
export const fleetSettings = (overrides: Partial<FleetSettings> = {}): FleetSettings => ({
  fleet: 'carrierarr',
  region: 'us-west-2',
  mesh: {
    cidr: '10.100.0.0/16',
    firstWorkerAddress: '10.100.2.1',
    lighthouseAddress: '10.100.0.1',
    lighthouseEndpoint: 'nebula.knowledgedump.space:4242',
    addressCooldownSeconds: 900,
    certificateDays: 7,
    trustedCas: [],
  },
  network: {
    vpcCidr: '10.20.0.0/16',
    podCidr: '10.42.0.0/16',
    serviceCidr: '10.43.0.0/16',
    homelabPodCidr: '10.244.0.0/16',
    subnetIds: ['subnet-0a', 'subnet-0b'],
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
      instanceTypes: ['g4dn.xlarge', 'g5.xlarge'],
      market: 'spot',
      onDemandFallback: true,
      groups: ['workers', 'aws'],
    },
  },
  nodes: { start: 'image' },
  agent: { idleMinutes: 30, idleWarningMinutes: 5 },
  coldStartMetrics: true,
  limits: {
    ssmOnlineSeconds: 300,
    bootSeconds: 180,
    clusterSeconds: 900,
    terminateSeconds: 600,
    sweepMinimumAgeSeconds: 900,
  },
  ...overrides,
});
