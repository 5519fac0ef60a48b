import { type ClusterServer, type FleetSettings, PORTS, type PortRule, type Role } from '#contract';

/** JSON is YAML: quotes and escapes are right whatever a setting holds. */
const quoted = (text: string): string => JSON.stringify(text);

/**
 * Nebula wants a peer to be in *all* of `groups`: the homelab's lighthouse carries both `lighthouse` and `homelab`,
 * and a CA limited to workers' groups can make neither.
 */
const source = (groups: readonly string[] | 'any'): string => {
  if (groups === 'any') return 'host: any';
  return groups.length === 1 ? `group: ${groups[0]}` : `groups: [${groups.join(', ')}]`;
};

const inbound = (rule: PortRule): string =>
  `    # ${rule.purpose}\n    - {port: ${rule.port}, proto: ${rule.protocol}, ${source(rule.meshGroups)}}`;

const inboundRules = ({ cluster }: FleetSettings, role: Role): string =>
  PORTS.filter(({ nodeNetwork = cluster.nodeNetwork }) => nodeNetwork === cluster.nodeNetwork)
    .filter(({ roles, meshGroups }) => roles.includes(role) && (meshGroups === 'any' || meshGroups.length > 0))
    .map(inbound)
    .join('\n');

/** Addresses that only exist inside one cluster: a tunnel over them would run through itself. */
const unreachableNetworks = ({ network, mesh }: FleetSettings): string =>
  [...new Set([network.podCidr, network.serviceCidr, network.homelabPodCidr, mesh.cidr])]
    .map((cidr) => `    ${quoted(cidr)}: false`)
    .join('\n');

/** Address of a worker's cluster server in the mesh and below it. */
export type ServerAddresses = Pick<ClusterServer, 'meshIp' | 'privateIp'>;

/** A node whose way to its server leads through the mesh must find it while the homelab's lighthouse is dark. */
const knownHosts = ({ mesh, cluster }: FleetSettings, server: ServerAddresses | undefined): string => {
  const lighthouse = `  ${quoted(mesh.lighthouseAddress)}: [${quoted(mesh.lighthouseEndpoint)}]`;
  if (cluster.nodeNetwork !== 'mesh' || server === undefined || server.privateIp === '') return lighthouse;
  return `${lighthouse}\n  ${quoted(server.meshIp)}: [${quoted(`${server.privateIp}:${underlayPort()}`)}]`;
};

const underlayPort = (): number | 'any' => {
  const rule = PORTS.find(({ id }) => id === 'nebula');
  return rule?.port ?? 'any';
};

/**
 * The `config.yml` of a worker. Of two workers in one VPC each learns the other's private address and nothing of the
 * pods' networks, so traffic between them stays inside the VPC. Unknown keys are ignored by older Nebula.
 */
export const renderNebulaConfig = (settings: FleetSettings, role: Role, server?: ServerAddresses): string => {
  const lighthouse = quoted(settings.mesh.lighthouseAddress);
  return `# Rendered by Carrierarr for a ${role}; changes are lost at the next boot.
pki:
  ca: /etc/nebula/ca.crt
  cert: /etc/nebula/host.crt
  key: /etc/nebula/host.key
  disconnect_invalid: true
static_host_map:
${knownHosts(settings, server)}
static_map:
  cadence: 30s
  network: ip4
lighthouse:
  am_lighthouse: false
  interval: 10
  hosts: [${lighthouse}]
  local_allow_list:
    interfaces:
      "cilium.*": false
      "lxc.*": false
      "liqo.*": false
      "nebula.*": false
  remote_allow_list:
${unreachableNetworks(settings)}
    "0.0.0.0/0": true
listen:
  host: 0.0.0.0
  port: ${underlayPort()}
preferred_ranges: [${quoted(settings.network.vpcCidr)}]
punchy:
  punch: true
  respond: true
relay:
  am_relay: false
  use_relays: true
tun:
  dev: nebula0
  mtu: 1300
logging:
  level: info
  format: json
firewall:
  conntrack:
    tcp_timeout: 12m
    udp_timeout: 3m
    default_timeout: 10m
  outbound:
    - {port: any, proto: any, host: any}
  inbound:
${inboundRules(settings, role)}
`;
};
