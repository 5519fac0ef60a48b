import { isIPv4 } from 'node:net';
import { malformed } from './wire.ts';

/** An IPv4 address with its mask, the host part kept: 10.100.2.1/16. */
export interface Network {
  /** The address as an unsigned 32-bit number, big-endian. */
  readonly address: number;
  /** Length of the mask, 0 to 32. */
  readonly bits: number;
}

/** Shifting by 32 is shifting by 0 in JavaScript, so /0 is apart. */
export const maskOf = (bits: number): number => (bits === 0 ? 0 : (0xffffffff << (32 - bits)) >>> 0);

/** @throws CertificateRuleError when the mask has holes. */
export const bitsOf = (mask: number): number => {
  const bits = Math.clz32(~mask >>> 0);
  if (maskOf(bits) !== mask) throw malformed('network mask has holes', `0x${mask.toString(16)}`);
  return bits;
};

export const parseAddress = (text: string): number | undefined =>
  isIPv4(text) ? text.split('.').reduce((sum, part) => sum * 256 + Number(part), 0) : undefined;

export const formatAddress = (address: number): string =>
  [24, 16, 8, 0].map((shift) => (address >>> shift) & 0xff).join('.');

/** Parses `10.100.2.1/16`; undefined when it is not that. */
export const parseNetwork = (text: string): Network | undefined => {
  const match = /^([0-9.]+)\/([0-9]{1,2})$/.exec(text);
  const address = parseAddress(match?.[1] ?? '');
  const bits = Number(match?.[2]);
  return address === undefined || bits > 32 ? undefined : { address, bits };
};

export const formatNetwork = ({ address, bits }: Network): string => `${formatAddress(address)}/${bits}`;

export const firstOf = ({ address, bits }: Network): number => (address & maskOf(bits)) >>> 0;

export const lastOf = ({ address, bits }: Network): number => (address | ~maskOf(bits)) >>> 0;

export const containsAddress = (network: Network, address: number): boolean =>
  firstOf(network) === firstOf({ address, bits: network.bits });

/** Whether `inner` lies within `outer` and its mask is no wider: Nebula's test of a CA's limits. */
export const containsNetwork = (outer: Network, inner: Network): boolean =>
  containsAddress(outer, inner.address) && outer.bits <= inner.bits;
