import { contains, parseRange } from '../config/cidr.ts';
import type { Config } from '../config.ts';

/** Parameters of steps that follow from the configuration. */

/** Whether pods of the homelab run on EC2. */
export const consumesAws = ({ liqo }: Config): boolean => liqo.direction !== 'aws-consumes-homelab';

/** Whether pods of EC2 run in the homelab, which then opens its API server to workers. */
export const providesHomelab = ({ liqo }: Config): boolean => liqo.direction !== 'homelab-consumes-aws';

/** The homelab's API server as workers reach it: only where it provides. */
export const homelabApiServer = ({ mesh }: Config): string => `https://${mesh.lighthouse.address}:6443`;

export const foreignCidrs = ({ network, cluster }: Config): string =>
  [network.vpcCidr, cluster.podCidr, cluster.serviceCidr].join();

/** What lies within a cluster's own ranges is reserved by them, and Liqo up to 1.1 refuses to reserve it again. */
const outside = (ranges: readonly string[], own: readonly string[]): string[] =>
  ranges.filter((range) => {
    const inner = parseRange(range);
    return !own.some((text) => {
      const outer = parseRange(text);
      return inner !== undefined && outer !== undefined && contains(outer, inner);
    });
  });

/** Ranges that Liqo must not remap into: mesh, VPC and the homelab's LAN. */
export const reservedSubnets = (
  { mesh, network, homelab }: Config,
  { podCidr, serviceCidr }: { readonly podCidr: string; readonly serviceCidr: string },
): string => outside([mesh.cidr, network.vpcCidr, homelab.lanCidr], [podCidr, serviceCidr]).join();

/** `key=value`, comma-separated, as steps take them. */
export const pairs = (values: Readonly<Record<string, string>>): string =>
  Object.entries(values)
    .map(([key, value]) => `${key}=${value}`)
    .join();

/** MTU of a Nebula device: what Cilium must know where nodes have mesh addresses, or full-size packets die. */
const MESH_MTU = 1300;

export const ciliumMtu = ({ cilium, k3s }: Config): string =>
  String(cilium.mtu === 0 && k3s.nodeNetwork === 'mesh' ? MESH_MTU : cilium.mtu);

export const GPU_TAINT = 'nvidia.com/gpu=present:NoSchedule';
