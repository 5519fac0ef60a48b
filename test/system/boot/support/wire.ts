import { METADATA_ADDRESS, SECRETS_ADDRESS, SECRETS_NAME } from './cloud.ts';
import type { Ground } from './ground.ts';

/** The homelab's public address and name, and a name whose address nobody has: a homelab that is dark. */
export const HOMELAB_ADDRESS = '172.31.0.2';
export const HOMELAB_NAME = 'nebula.knowledgedump.space';
export const DARK_NAME = 'dark.knowledgedump.space';
const DARK_ADDRESS = '172.31.0.3';
const ROUTER = '172.31.0.1';
const MACHINES = 100;
const MTU = 9001;

/** Network namespace of the homelab, as a file of the ground. */
export const HOMELAB_NETWORK = '/run/netns/homelab';

/** Zero is the router's: a bridge without one of its own takes another whenever a machine is added, and all lose it. */
export const macOf = (number: number): string => `02:00:00:00:00:${number.toString(16).padStart(2, '0')}`;

/** Private address of a machine; what DHCP hands out for its device. */
export const addressOf = (number: number): string => `172.31.0.${MACHINES + number}`;

const reservations = Array.from({ length: MACHINES }, (_, number) => `${macOf(number)},${addressOf(number)}`);

/**
 * Lays one link for the homelab and all machines, with a router that has the addresses of AWS, DHCP and names. Ends
 * with the ground.
 */
export const layWire = async (ground: Ground): Promise<void> => {
  await ground.run(`ip -batch - <<'END'
link add wire address ${macOf(0)} mtu ${MTU} type bridge stp_state 0 forward_delay 0
address add ${ROUTER}/24 dev wire
address add ${METADATA_ADDRESS}/32 dev wire
address add ${SECRETS_ADDRESS}/32 dev wire
link set wire up
route add default dev wire
netns add homelab
link add homelab mtu ${MTU} type veth peer name eth0 netns homelab
link set homelab master wire up
END
ip -netns homelab -batch - <<'END'
link set lo up
address add ${HOMELAB_ADDRESS}/24 dev eth0
link set eth0 up
route add default via ${ROUTER}
END
printf '%s\\n' ${reservations.join(' ')} >/run/reservations
dnsmasq --conf-file=/dev/null --user=root --pid-file= --no-resolv --no-hosts --log-facility=/run/dnsmasq.log \\
  --address=/${SECRETS_NAME}/${SECRETS_ADDRESS} --address=/${HOMELAB_NAME}/${HOMELAB_ADDRESS} \\
  --address=/${DARK_NAME}/${DARK_ADDRESS} --address=/#/${SECRETS_ADDRESS} --dhcp-range=${addressOf(0)},static --dhcp-hostsfile=/run/reservations \\
  --dhcp-leasefile=/run/leases --dhcp-authoritative --no-ping`);
};

/** Makes the network of a machine: one device, without an address until DHCP gives it one, and not plugged in. */
export const makeNetwork = async (ground: Ground, name: string, number: number): Promise<void> => {
  await ground.run(`ip -batch - <<'END'
netns add ${name}
link add ${name} mtu ${MTU} type veth peer name ens5 mtu ${MTU} address ${macOf(number)} netns ${name}
link set ${name} master wire
END`);
};

export const plugIn = async (ground: Ground, name: string): Promise<void> => {
  await ground.run(`ip link set ${name} up`);
};
