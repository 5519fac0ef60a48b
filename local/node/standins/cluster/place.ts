import { existsSync, readFileSync } from 'node:fs';

/** Where a program runs, which decides what it reaches. */
export type Place = 'node' | 'homelab-host' | 'homelab-pod';

const PLACES: readonly Place[] = ['node', 'homelab-host', 'homelab-pod'];

/** Folder with what a node's stand-ins remember and are told. */
export const STANDINS = process.env.STANDIN_RUN ?? '/run/standins';

export const readKnob = (name: string): string | undefined => {
  try {
    return readFileSync(`${STANDINS}/${name}`, 'utf8');
  } catch {
    return undefined;
  }
};

export const hasKnob = (name: string): boolean => existsSync(`${STANDINS}/${name}`);

export const placeHere = (): Place => {
  const written = readKnob('place')?.trim();
  return PLACES.find((place) => place === written) ?? 'node';
};

/** Folder of the wires where there is no network; undefined: TCP is used. */
export const wiresHere = (): string | undefined => {
  const folder = process.env.STANDIN_WIRES ?? '';
  return folder === '' ? undefined : folder;
};

const numberOf = (address: string): number =>
  address.split('.').reduce((sum, octet) => sum * 256 + Number.parseInt(octet, 10), 0);

export const isAddress = (text: string): boolean => /^\d{1,3}(\.\d{1,3}){3}$/.test(text);

export const within = (address: string, cidr: string): boolean => {
  const [base = '', bits = '32'] = cidr.split('/');
  if (!isAddress(address) || !isAddress(base)) return false;
  const size = 2 ** (32 - Number.parseInt(bits, 10));
  return Math.floor(numberOf(address) / size) === Math.floor(numberOf(base) / size);
};

export const isMeshAddress = (address: string): boolean => within(address, process.env.STANDIN_MESH ?? '10.100.0.0/16');
