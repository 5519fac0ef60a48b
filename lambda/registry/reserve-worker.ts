import type { WorkerRow } from '#contract';
import { OwnershipLostError } from '../shared/errors.ts';
import { assertAssignable } from './addresses.ts';
import {
  type AddressPorts,
  addressIsFree,
  addressTaken,
  claimRepeatedly,
  pickAddress,
  type Tries,
} from './claim-address.ts';
import { clusterClaim, clusterTaken } from './claim-cluster.ts';
import type { Reservation, ReserveOutcome } from './port.ts';
import { heldAddress, key, toItem } from './rows.ts';
import { absent, all, type Condition, equals, type Put } from './store.ts';
import { findRow } from './track-progress.ts';

/** A new generation differs from the last one even within its millisecond. */
const nextGeneration = (now: Date, previous: WorkerRow | undefined): string =>
  Math.max(now.getTime(), previous === undefined ? 0 : Number.parseInt(previous.generation, 36) + 1).toString(36);

const newRow = (reservation: Reservation, address: string, generation: string, now: Date): WorkerRow => ({
  ...reservation.worker,
  address,
  generation,
  phase: 'RESERVED',
  owner: reservation.owner(generation),
  requestHash: reservation.requestHash,
  input: reservation.input,
  reservedAt: now.toISOString(),
  updatedAt: now.toISOString(),
  launchAttempt: 0,
  teardownAttempt: 0,
  details: {},
});

const nameIsFree = (previous: WorkerRow | undefined): Condition =>
  previous === undefined ? absent('pk') : all(equals('generation', previous.generation), equals('phase', 'REMOVED'));

/** The order matters: a failed write is known by its index. */
const claims = (ports: AddressPorts, row: WorkerRow, previous: WorkerRow | undefined, now: Date): Put[] => {
  const { name, generation, address } = row;
  return [
    { item: toItem(row), condition: nameIsFree(previous) },
    { item: heldAddress({ address, name, generation }), condition: addressIsFree(ports, name, now) },
    { item: { pk: key.execution(row.owner), kind: 'EXEC', name, generation }, condition: absent('pk') },
    ...clusterClaim(row),
  ];
};
const [NAME, ADDRESS, EXECUTION, CLUSTER] = [0, 1, 2, 3];

const executionTaken = (row: WorkerRow): OwnershipLostError =>
  new OwnershipLostError({
    what: 'the execution has owned a worker before',
    got: row.owner,
    allowed: 'one worker an execution',
    remedy: 'start a new execution instead of redriving an old one',
  });

/** Undefined when somebody else was faster, by name or by address. */
const claim = async (
  ports: AddressPorts,
  reservation: Reservation,
  previous: WorkerRow | undefined,
  tries: Tries,
): Promise<ReserveOutcome | undefined> => {
  const now = ports.clock.now();
  const address = reservation.address ?? (await pickAddress(ports, tries));
  const row = newRow(reservation, address, nextGeneration(now, previous), now);
  const result = await ports.store.transact(claims(ports, row, previous, now));
  if (result.done) return { outcome: 'reserved', row };
  if (result.failed.includes(NAME)) return undefined;
  if (result.failed.includes(EXECUTION)) throw executionTaken(row);
  if (result.failed.includes(CLUSTER)) throw await clusterTaken(ports, row.cluster);
  if (result.failed.includes(ADDRESS)) {
    if (reservation.address !== undefined) throw await addressTaken(ports, address);
    tries.lost.add(address);
  }
  return undefined;
};

/**
 * Claims name, address and execution, and for a lighthouse its cluster, in one transaction. An address lost to somebody else is replaced by another,
 * unless it was asked for.
 * @throws AddressError, ClusterConflictError, OwnershipLostError, ThrottledError when contention does not end
 */
export const reserveWorker = async (ports: AddressPorts, reservation: Reservation): Promise<ReserveOutcome> => {
  const { name } = reservation.worker;
  if (reservation.address !== undefined) assertAssignable(ports.settings.mesh, reservation.address);
  return await claimRepeatedly(ports, name, async (tries) => {
    const previous = await findRow(ports, name);
    if (previous === undefined || previous.phase === 'REMOVED') {
      return await claim(ports, reservation, previous, tries);
    }
    return { outcome: previous.requestHash === reservation.requestHash ? 'existing' : 'taken', row: previous };
  });
};
