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
  readonly purpose: string;
}

const BOTH: readonly Role[] = ['lighthouse', 'gpu-worker'];
const LIGHTHOUSE: readonly Role[] = ['lighthouse'];
const GPU: readonly Role[] = ['gpu-worker'];

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
];
