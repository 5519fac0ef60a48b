import type { NodeSpec } from '../host.ts';
import { configureNetwork } from './namespaces.ts';

/** Of TEST-NET-3 (RFC 5737): the homelab's public address, as far as nodes are concerned. */
export const HOMELAB_ADDRESS = '203.0.113.1';
const BRIDGE = 'underlay';
const NODE_DEVICE = 'ens5';
/** A bridge without one of its own takes another whenever a node is added, and the others lose the homelab for 30 s. */
const MAC = '02:00:00:00:00:01';
/** Of an EC2 network interface. */
const MTU = 9001;

/**
 * The network between nodes and homelab: one bridge in the homelab's network namespace, to which every node is wired.
 * Everybody is on one link, so private addresses and the homelab's reach each other without a router. The pair of
 * devices and the bridge vanish with the namespaces that hold them.
 */
export class Underlay {
  readonly #homelab: number;
  #ports = 0;

  private constructor(homelab: number) {
    this.#homelab = homelab;
  }

  /** Lays the bridge in the namespace of the process that plays the homelab. */
  static async lay(homelab: number): Promise<Underlay> {
    await configureNetwork(homelab, [
      `link add ${BRIDGE} address ${MAC} mtu ${MTU} type bridge stp_state 0 forward_delay 0`,
      `address add ${HOMELAB_ADDRESS}/32 dev ${BRIDGE}`,
      `link set ${BRIDGE} up`,
      `route add default dev ${BRIDGE}`,
    ]);
    return new Underlay(homelab);
  }

  /** Gives a node its network interface with its private address. */
  async connect(node: number, { privateIp }: NodeSpec): Promise<void> {
    this.#ports += 1;
    const port = `port${this.#ports}`;
    await configureNetwork(this.#homelab, [
      `link add ${port} mtu ${MTU} type veth peer name ${NODE_DEVICE} mtu ${MTU} netns ${node}`,
      `link set ${port} master ${BRIDGE} up`,
    ]);
    await configureNetwork(node, [
      `address add ${privateIp}/32 dev ${NODE_DEVICE}`,
      `link set ${NODE_DEVICE} up`,
      `route add default dev ${NODE_DEVICE}`,
    ]);
  }
}
