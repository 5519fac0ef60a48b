import type { FleetSettings, Role } from '#contract';
import type { Config } from './schema.ts';

const roleSettings = ({ instanceTypes, market, onDemandFallback, groups }: Config['roles'][Role]) => ({
  instanceTypes,
  market,
  onDemandFallback,
  groups,
});

/** The node itself keeps the limit of its dead-man switch. */
const functionLimits = ({ readySeconds: _, ...limits }: Config['limits']) => limits;

/**
 * What the functions are told of the configuration.
 * @param subnetIds ids, or tokens of subnets that the stack makes.
 */
export const toFleetSettings = (config: Config, subnetIds: readonly string[]): FleetSettings => ({
  fleet: config.fleet,
  region: config.region,
  mesh: {
    cidr: config.mesh.cidr,
    firstWorkerAddress: config.mesh.firstWorkerAddress,
    lighthouseAddress: config.mesh.lighthouse.address,
    lighthouseEndpoint: config.mesh.lighthouse.endpoint,
    addressCooldownSeconds: config.mesh.addressCooldownSeconds,
    certificateDays: config.mesh.certificateDays,
    trustedCas: config.mesh.trustedCas,
  },
  network: {
    vpcCidr: config.network.vpcCidr,
    podCidr: config.cluster.podCidr,
    serviceCidr: config.cluster.serviceCidr,
    homelabPodCidr: config.homelab.podCidr,
    subnetIds: [...subnetIds],
  },
  cluster: {
    name: config.cluster.name,
    kubeProxyReplacement: config.cilium.kubeProxyReplacement,
    nodeNetwork: config.k3s.nodeNetwork,
    disable: config.k3s.disable,
    gpuTaint: config.cluster.gpuTaint,
  },
  secretPrefix: config.secretPrefix,
  controlPlane: config.controlPlane,
  roles: {
    lighthouse: roleSettings(config.roles.lighthouse),
    'gpu-worker': roleSettings(config.roles['gpu-worker']),
  },
  nodes: { start: config.nodes.start },
  agent: { idleMinutes: config.agent.idleMinutes, idleWarningMinutes: config.agent.idleWarningMinutes },
  coldStartMetrics: config.operations.coldStartMetrics,
  limits: functionLimits(config.limits),
});
