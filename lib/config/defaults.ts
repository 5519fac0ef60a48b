/**
 * Every default in one place: the seed's values, with the recommended one where the seed's cannot work (reason beside
 * it). `cdk.json` and the file named by CARRIERARR_CONFIG are merged over this; arrays are replaced, not appended to.
 */
export const DEFAULTS = {
  fleet: 'carrierarr',
  region: 'us-west-2',
  secretPrefix: 'catalyst-llm',
  acknowledge: [],
  mesh: {
    cidr: '10.100.0.0/16',
    firstWorkerAddress: '10.100.2.1',
    lighthouse: { address: '10.100.0.1', endpoint: 'nebula.knowledgedump.space:4242' },
    trustedCas: [],
    certificateDays: 7,
    addressCooldownSeconds: 900,
    ca: {
      signer: 'kms',
      name: 'talos-homelab-mesh',
      // A stolen signer limited to these cannot mint a certificate that peers take for a lighthouse.
      groups: ['workers', 'aws'],
      // nebula-cert's own default of one year is the classic way to lose a whole mesh over night.
      days: 3650,
    },
  },
  network: {
    zones: ['us-west-2a', 'us-west-2b', 'us-west-2c', 'us-west-2d'],
    vpcCidr: '10.80.0.0/16',
    operatorCidrs: {},
  },
  cluster: { name: 'aws-k3s', id: 2, podCidr: '10.42.0.0/16', serviceCidr: '10.43.0.0/16', gpuTaint: true },
  homelab: {
    clusterName: 'catalyst-homelab',
    podCidr: '10.244.0.0/16',
    serviceCidr: '10.96.0.0/12',
    lanCidr: '192.168.1.0/24',
    // Pods of the homelab have no way into the mesh: without the door nothing of Liqo reaches EC2.
    door: 'http://mesh-door.carrierarr-mesh.svc:3128',
    lighthouse: { namespace: 'nebula', deployment: 'nebula-lighthouse', configMap: 'nebula-config' },
    controlPlane: { namespace: 'carrierarr', service: 'carrierarr-control-plane', port: 8090 },
  },
  controlPlane: '10.100.0.1:50051',
  roles: {
    lighthouse: {
      // The seed's t3.small has 2 GiB: too little for k3s, Cilium, ClusterMesh and Liqo together.
      instanceTypes: ['t3.medium'],
      market: 'on-demand',
      onDemandFallback: true,
      groups: ['workers', 'aws'],
      rootVolumeGib: 20,
    },
    'gpu-worker': {
      // g6 as the third offer: Spot capacity for g4dn and g5 is scarce in the default region.
      instanceTypes: ['g4dn.xlarge', 'g5.xlarge', 'g6.xlarge'],
      market: 'spot',
      onDemandFallback: true,
      groups: ['workers', 'aws'],
      rootVolumeGib: 60,
    },
  },
  nodes: { start: 'image', volumeInitializationRateMib: 300 },
  limits: {
    ssmOnlineSeconds: 300,
    bootSeconds: 180,
    // A lighthouse takes some six minutes to CLUSTERED; its own limits add up to more only where it fails.
    clusterSeconds: 900,
    // The dead-man switch: the longest provision that ends well takes less.
    readySeconds: 7200,
    terminateSeconds: 600,
    sweepMinimumAgeSeconds: 900,
  },
  operations: {
    logRetentionDays: 30,
    // Eight metrics: within the ten that cost nothing, and an idle fleet sends none.
    coldStartMetrics: true,
  },
  k3s: {
    version: 'v1.31.2+k3s1',
    // The seed's workers joined over the mesh. Node addresses on a TUN device are an open class of faults of Cilium,
    // cost a factor of 26 in throughput, and tie the cluster's life to the homelab's lighthouse.
    nodeNetwork: 'vpc',
    disable: ['traefik', 'servicelb'],
  },
  cilium: {
    version: '1.16.6',
    ipamMode: 'kubernetes',
    kubeProxyReplacement: true,
    // The seed's k8sServiceHost was the mesh address: Cilium, and with it every pod, then waits for Nebula.
    apiServer: 'local',
    hubble: true,
    hubbleRelay: true,
    // The seed's `clustermesh.useAPIServer=true`: Liqo does not use it, and both sides would listen on one port.
    clusterMesh: false,
    clusterMeshPort: 32379,
    devices: 'en',
    mtu: 0,
    values: {},
  },
  liqo: {
    enabled: true,
    // Below 1.2 Liqo refuses the seed's ranges (a mesh inside the homelab's services).
    version: '1.2.0',
    // The seed's commands made EC2 the consumer; GPU pods of the homelab on EC2 need it to be the provider.
    direction: 'homelab-consumes-aws',
    networking: true,
    inBand: false,
    allowUpgrade: false,
    gatewayPort: 32380,
    gatewayPath: 'public',
    gatewayCidrs: ['0.0.0.0/0'],
    // Liqo's own 1340 fragments twice on the way; 1140 passes everywhere at full size.
    mtu: 1140,
    resources: { cpu: '4', memory: '8Gi', pods: '110', extra: { 'nvidia.com/gpu': '1' } },
    namespaces: [],
    drainSeconds: 60,
  },
  agent: {
    verify: true,
    tokens: true,
    // A GPU that nobody uses costs as much as one at work.
    idleMinutes: 30,
    idleWarningMinutes: 5,
  },
  images: {
    enabled: true,
    namePrefix: 'catalyst',
    nebulaVersion: '1.9.0',
    nvidiaDriver: '550',
    ollamaVersion: 'latest',
    // Off: a weekly build costs as much as everything else that is idle.
    keep: 3,
    buildInstanceTypes: {
      base: ['t3.medium', 't3a.medium'],
      lighthouse: ['t3.medium', 't3a.medium'],
      'gpu-worker': ['m6i.xlarge', 'm5.xlarge'],
    },
    volumeGib: { base: 8, lighthouse: 16, 'gpu-worker': 40 },
  },
};
