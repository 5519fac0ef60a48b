import type { FleetSettings } from '#contract';
import type { Clock } from '../shared/clock.ts';
import { AddressError, ThrottledError } from '../shared/errors.ts';
import { assertAssignable, cooledSince, freeAddresses } from './addresses.ts';
import type { AddressHold } from './port.ts';
import { type AddressItem, EXTERNAL, heldAddress, key } from './rows.ts';
import { absent, all, any, atMost, type Condition, equals, type Store } from './store.ts';

export interface AddressPorts {
  readonly store: Store;
  readonly clock: Clock;
  /** 0 ≤ value < 1. */
  readonly random: () => number;
  readonly settings: Pick<FleetSettings, 'mesh'>;
}

/** Enough for a hundred callers at once: each round of contention lets at least one of them through. */
const MAXIMUM_ATTEMPTS = 60;
/** Callers that met somebody on the best address spread over this many. */
const SPREAD = 256;
const MAXIMUM_PAUSE_MILLISECONDS = 400;

/** A name may have its own last address back at once: whoever still trusts the old certificate trusts that name. */
export const addressIsFree = ({ settings }: AddressPorts, name: string, now: Date): Condition =>
  any(
    absent('pk'),
    all(equals('state', 'free'), any(atMost('freedAt', cooledSince(settings.mesh, now)), equals('name', name))),
    atMost('until', cooledSince(settings.mesh, now)),
  );

/** What one caller has met so far. */
export interface Tries {
  readonly attempt: number;
  /** Addresses that others were faster to take, whether or not the index shows it yet. */
  readonly lost: Set<string>;
}

/** The best free address on the first try, then a random one: those who were in the way go for the best as well. */
export const pickAddress = async (ports: AddressPorts, { attempt, lost }: Tries): Promise<string> => {
  const { store, settings, clock, random } = ports;
  const known = (await store.list('ADDR')) as AddressItem[];
  const free = freeAddresses(settings.mesh, known, clock.now(), SPREAD + lost.size).filter((one) => !lost.has(one));
  const picked = attempt === 0 ? free[0] : free[Math.floor(random() * Math.min(SPREAD, free.length))];
  if (picked !== undefined) return picked;
  throw new AddressError({
    what: 'no mesh address is left',
    got: `${known.length} in use or cooling down`,
    allowed: `${settings.mesh.firstWorkerAddress} upwards in ${settings.mesh.cidr}`,
    remedy: `tear down workers, wait ${settings.mesh.addressCooldownSeconds} s for freed addresses, or widen the mesh`,
  });
};

export const addressTaken = async ({ store, settings }: AddressPorts, address: string): Promise<AddressError> => {
  const item = (await store.get(key.address(address))) as AddressItem | undefined;
  const state = item?.state === 'free' ? `freed by ${item.name} at ${item.freedAt}` : `held by ${item?.name}`;
  return new AddressError({
    what: 'the mesh address is taken',
    got: `${address}, ${state}`,
    allowed: `a free address; a freed one is free again after ${settings.mesh.addressCooldownSeconds} s`,
    remedy: 'ask for another address, or for none and the registry picks one',
  });
};

/**
 * Tries until a claim has an answer.
 * @throws ThrottledError when contention does not end
 */
export const claimRepeatedly = async <T>(
  { clock, random }: AddressPorts,
  name: string,
  claim: (tries: Tries) => Promise<T | undefined>,
): Promise<T> => {
  const lost = new Set<string>();
  for (let attempt = 0; attempt < MAXIMUM_ATTEMPTS; attempt += 1) {
    const claimed = await claim({ attempt, lost });
    if (claimed !== undefined) return claimed;
    await clock.sleep(random() * Math.min(MAXIMUM_PAUSE_MILLISECONDS, 10 * 2 ** attempt));
  }
  throw new ThrottledError({
    what: `${name} found no free address in ${MAXIMUM_ATTEMPTS} attempts: too many reservations at once`,
    remedy: 'none needed, the state retries',
  });
};

/** @throws AddressError, ThrottledError */
export const holdAddress = async (ports: AddressPorts, hold: AddressHold): Promise<string> => {
  const { store, clock, settings } = ports;
  if (hold.address !== undefined) assertAssignable(settings.mesh, hold.address);
  const again = all(equals('name', hold.name), equals('generation', EXTERNAL));
  return await claimRepeatedly(ports, hold.name, async (tries) => {
    const address = hold.address ?? (await pickAddress(ports, tries));
    const item = heldAddress({ address, name: hold.name, generation: EXTERNAL, until: hold.until.toISOString() });
    if (await store.put({ item, condition: any(addressIsFree(ports, hold.name, clock.now()), again) })) return address;
    if (hold.address !== undefined) throw await addressTaken(ports, address);
    tries.lost.add(address);
    return undefined;
  });
};
