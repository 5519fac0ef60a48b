import { HOMELAB } from '../homelab/addresses.ts';
import { configureNetwork } from './namespaces.ts';

const BRIDGE = 'pods';
/** Fixed, as the underlay's is. */
const MAC = '02:00:00:00:00:02';
/** Of the homelab's Cilium: 1250 less its own 50. */
const MTU = 1200;

/** The pods' side of the homelab's node, with the address under which its Services answer. */
export const layPodNetwork = (host: number): Promise<void> =>
  configureNetwork(host, [
    `link add ${BRIDGE} address ${MAC} mtu ${MTU} type bridge stp_state 0 forward_delay 0`,
    `address add ${HOMELAB.host}/24 dev ${BRIDGE}`,
    `address add ${HOMELAB.api}/32 dev ${BRIDGE}`,
    `link set ${BRIDGE} up`,
  ]);

/** Wires a pod to that node. It reaches the node, other pods and Services; the mesh it does not, as in the real one. */
export const plugIn = async (host: number, pod: number): Promise<void> => {
  await configureNetwork(host, [
    `link add pod1 mtu ${MTU} type veth peer name eth0 mtu ${MTU} netns ${pod}`,
    `link set pod1 master ${BRIDGE} up`,
  ]);
  await configureNetwork(pod, [
    `address add ${HOMELAB.pod}/24 dev eth0`,
    'link set eth0 up',
    `route add 10.96.0.0/12 via ${HOMELAB.host}`,
    'route add unreachable 10.100.0.0/16',
  ]);
};
