import { type BlockList, isIPv4 } from 'node:net';
import type { Settings } from './settings.ts';

export interface Destination {
  readonly host: string;
  readonly port: number;
}

/** Plain form of an address, which a socket for both families shows as `::ffff:192.0.2.1`. */
export const plainAddress = (address: string | undefined): string => (address ?? '').replace(/^::ffff:/, '');

export const admits = (list: BlockList, address: string): boolean => isIPv4(address) && list.check(address);

/** `host:port` of a CONNECT, or of an absolute URL. */
export const readDestination = (authority: string, presetPort?: number): Destination | undefined => {
  const [, host, digits] = /^([A-Za-z0-9.-]{1,253})(?::(\d{1,5}))?$/.exec(authority) ?? [];
  const port = digits === undefined ? presetPort : Number(digits);
  return host === undefined || port === undefined || port === 0 || port > 65_535 ? undefined : { host, port };
};

/**
 * Why a destination is refused; undefined when it is allowed. Only literal addresses of other mesh members: a name would
 * be resolved here, with the node's eyes, and the door's own address is the node itself with everything on it.
 */
export const refusalOf = ({ host, port }: Destination, settings: Settings): string | undefined => {
  if (!isIPv4(host)) return `${host} is a name: only mesh addresses are let through`;
  if (!settings.mesh.check(host)) return `${host} is no mesh address`;
  if (host === settings.meshAddress) return `${host} is the door's own address`;
  if (!settings.ports.has(port)) return `port ${port} is not among ${[...settings.ports].join(', ')}`;
  return undefined;
};
