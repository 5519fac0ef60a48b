import type { Role } from './names.ts';

/**
 * The one table of ports: security-group rules, Nebula inbound rules and the table in the docs come from it
 * (values: seed phase 4, narrowed as the network review of the design proved possible).
 */
export type Protocol = 'tcp' | 'udp' | 'icmp' | 'any';

/** Who may reach a port through the security group, i.e. from outside the mesh. */
export type SecurityGroupSource =
  | 'anywhere'
  /** CIDRs in `liqo.gatewayCidrs`; default anywhere, WireGuard does not answer strangers. */
  | 'gateway-cidrs'
  /** Closed unless the operator names CIDRs for this port in the configuration. */
  | 'operator-cidrs'
  | 'self'
  | 'nobody';

export interface PortRule {
  readonly id: string;
  readonly protocol: Protocol;
  readonly port: number | 'any';
  readonly roles: readonly Role[];
  readonly securityGroup: SecurityGroupSource;
  /** Groups of mesh peers that may open this port over Nebula; `any` for every peer, empty for none. */
  readonly meshGroups: readonly string[] | 'any';
  /** Only where Kubernetes nodes have mesh addresses (`k3s.nodeNetwork: mesh`); absent: always. */
  readonly nodeNetwork?: 'mesh';
  readonly purpose: string;
}

const BOTH: readonly Role[] = ['lighthouse', 'gpu-worker'];
const LIGHTHOUSE: readonly Role[] = ['lighthouse'];
const GPU: readonly Role[] = ['gpu-worker'];

/** What nodes with private addresses reach through the security group needs a rule of its own over the mesh. */
const betweenMeshNodes = (
  id: string,
  protocol: Protocol,
  port: number,
  roles: readonly Role[],
  purpose: string,
): PortRule => ({
  id,
  protocol,
  port,
  roles,
  securityGroup: 'nobody',
  meshGroups: ['workers'],
  nodeNetwork: 'mesh',
  purpose,
});

export const PORTS: readonly PortRule[] = [
  {
    id: 'nebula',
    protocol: 'udp',
    port: 4242,
    roles: BOTH,
    securityGroup: 'anywhere',
    meshGroups: [],
    purpose: 'Nebula underlay',
  },
  {
    id: 'liqo-gateway',
    protocol: 'udp',
    port: 32380,
    roles: LIGHTHOUSE,
    securityGroup: 'gateway-cidrs',
    meshGroups: [],
    purpose: 'Liqo WireGuard gateway',
  },
  {
    id: 'fleet',
    protocol: 'any',
    port: 'any',
    roles: BOTH,
    securityGroup: 'self',
    meshGroups: [],
    purpose: 'k3s, kubelet, VXLAN between workers',
  },
  {
    id: 'ssh',
    protocol: 'tcp',
    port: 22,
    roles: BOTH,
    securityGroup: 'operator-cidrs',
    meshGroups: [],
    purpose: 'SSH; replaced by Session Manager',
  },
  {
    id: 'k3s-api',
    protocol: 'tcp',
    port: 6443,
    roles: LIGHTHOUSE,
    securityGroup: 'operator-cidrs',
    meshGroups: [],
    purpose: 'Kubernetes API',
  },
  {
    id: 'agent-health',
    protocol: 'tcp',
    port: 8080,
    roles: BOTH,
    securityGroup: 'operator-cidrs',
    meshGroups: [],
    purpose: 'worker-agent health and metrics',
  },
  {
    id: 'clustermesh',
    protocol: 'tcp',
    port: 32379,
    roles: LIGHTHOUSE,
    securityGroup: 'operator-cidrs',
    meshGroups: [],
    purpose: 'Cilium ClusterMesh API server',
  },
  {
    id: 'mesh-icmp',
    protocol: 'icmp',
    port: 'any',
    roles: BOTH,
    securityGroup: 'nobody',
    meshGroups: 'any',
    purpose: 'ping over the mesh',
  },
  {
    id: 'mesh-homelab',
    protocol: 'any',
    port: 'any',
    roles: BOTH,
    securityGroup: 'nobody',
    meshGroups: ['lighthouse', 'homelab'],
    purpose: 'homelab door: 6443, 11434, 8080',
  },
  {
    id: 'ollama',
    protocol: 'tcp',
    port: 11434,
    roles: GPU,
    securityGroup: 'nobody',
    meshGroups: ['workers'],
    purpose: 'Ollama between workers',
  },
  betweenMeshNodes('mesh-k3s-api', 'tcp', 6443, LIGHTHOUSE, 'Kubernetes API, asked by agents over the mesh'),
  betweenMeshNodes('mesh-vxlan', 'udp', 8472, BOTH, "VXLAN of Cilium between nodes' mesh addresses"),
  betweenMeshNodes('mesh-cilium-health', 'tcp', 4240, BOTH, "Cilium's health checks between nodes"),
  betweenMeshNodes('mesh-hubble', 'tcp', 4244, BOTH, "Hubble's peers"),
  betweenMeshNodes('mesh-kubelet', 'tcp', 10250, BOTH, 'kubelet, asked by the API server'),
];
