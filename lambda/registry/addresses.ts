import type { FleetSettings } from '#contract';
import { AddressError } from '../shared/errors.ts';
import type { AddressItem } from './rows.ts';

type MeshSettings = Pick<
  FleetSettings['mesh'],
  'cidr' | 'firstWorkerAddress' | 'lighthouseAddress' | 'addressCooldownSeconds'
>;

export const toNumber = (address: string): number =>
  address.split('.').reduce((number, octet) => number * 256 + Number(octet), 0);

export const toAddress = (number: number): string =>
  [24, 16, 8, 0].map((shift) => Math.floor(number / 2 ** shift) % 256).join('.');

/** The last host address: one below the broadcast address. */
const lastHost = (cidr: string): number => {
  const [base = '', bits = '32'] = cidr.split('/');
  const size = 2 ** (32 - Number(bits));
  return Math.floor(toNumber(base) / size) * size + size - 2;
};

const isAssignable = (mesh: MeshSettings, address: string): boolean =>
  toNumber(address) >= toNumber(mesh.firstWorkerAddress) &&
  toNumber(address) <= lastHost(mesh.cidr) &&
  address !== mesh.lighthouseAddress;

/**
 * Checks an address somebody asked for: in the mesh, neither its network nor its broadcast address, not the
 * lighthouse's. Below the first worker's address is the homelab's own range, of which the registry knows nothing.
 * @throws AddressError
 */
export const assertAssignable = (mesh: MeshSettings, address: string): void => {
  if (isAssignable(mesh, address)) return;
  throw new AddressError({
    what: 'the mesh address cannot be given to a worker',
    got: address,
    allowed: `${mesh.firstWorkerAddress} to ${toAddress(lastHost(mesh.cidr))}, except the lighthouse's ${mesh.lighthouseAddress}`,
    remedy: 'ask for an address in that range, or for none and the registry picks one',
  });
};

/** Instant up to which a freed address must have been free to be given out again. */
export const cooledSince = (mesh: MeshSettings, now: Date): string =>
  new Date(now.getTime() - mesh.addressCooldownSeconds * 1000).toISOString();

/**
 * Addresses that may be given out, best first: freed ones that have cooled down, the longest free first, so that
 * addresses are used again before new ground is broken; then never-used ones, upwards.
 */
export const freeAddresses = (
  mesh: MeshSettings,
  known: readonly AddressItem[],
  now: Date,
  limit: number,
): readonly string[] => {
  const cooled = cooledSince(mesh, now);
  const again = known
    .map(({ address, state, freedAt, until }) => ({ address, freeSince: state === 'free' ? freedAt : until }))
    .filter(({ address, freeSince }) => freeSince !== undefined && freeSince <= cooled && isAssignable(mesh, address))
    .sort((a, b) => (a.freeSince ?? '').localeCompare(b.freeSince ?? '') || toNumber(a.address) - toNumber(b.address))
    .map(({ address }) => address)
    .slice(0, limit);
  const seen = new Set([...known.map(({ address }) => address), mesh.lighthouseAddress]);
  const last = lastHost(mesh.cidr);
  const fresh: string[] = [];
  for (let at = toNumber(mesh.firstWorkerAddress); at <= last && again.length + fresh.length < limit; at += 1) {
    const address = toAddress(at);
    if (!seen.has(address)) fresh.push(address);
  }
  return [...again, ...fresh];
};
