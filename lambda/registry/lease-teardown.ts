import type { Removal, WorkerRow } from '#contract';
import { ThrottledError } from '../shared/errors.ts';
import { freeCluster } from './claim-cluster.ts';
import type { FenceOutcome, Life, RemovalReason } from './port.ts';
import {
  type AddressItem,
  HISTORY_SECONDS,
  inPhase,
  isLeaseLive,
  isLife,
  key,
  ownershipLost,
  timeToLive,
} from './rows.ts';
import { absent, all, any, atMost, equals } from './store.ts';
import { findRow, type RowPorts, updateRow } from './track-progress.ts';

const MAXIMUM_ATTEMPTS = 10;

/** Only the first fence keeps its instant and the phase it met: a launch call in flight dates from then. */
const takeLease = async (
  ports: RowPorts,
  row: WorkerRow,
  holder: string,
  leaseSeconds: number,
): Promise<WorkerRow | undefined> => {
  const now = ports.clock.now();
  const expiresAt = new Date(now.getTime() + leaseSeconds * 1000).toISOString();
  return await updateRow(ports, row.name, {
    set: { phase: 'TEARING_DOWN', lease: { holder, expiresAt } },
    setOnce: { fencedAt: now.toISOString(), fencedPhase: row.phase },
    condition: all(
      inPhase(row, [row.phase]),
      any(absent('lease'), atMost('lease.expiresAt', now.toISOString()), equals('lease.holder', holder)),
    ),
  });
};

export const fence = async (
  ports: RowPorts,
  life: { name: string; generation: string | undefined },
  holder: string,
  leaseSeconds: number,
): Promise<FenceOutcome> => {
  for (let attempt = 0; attempt < MAXIMUM_ATTEMPTS; attempt += 1) {
    const row = await findRow(ports, life.name);
    if (row === undefined) return { outcome: 'absent', row: undefined };
    if (life.generation !== undefined && row.generation !== life.generation) {
      return { outcome: 'removed', row: undefined };
    }
    if (row.phase === 'REMOVED') return { outcome: 'removed', row };
    if (isLeaseLive(row, ports.clock.now()) && row.lease?.holder !== holder) return { outcome: 'busy', row };
    const fenced = await takeLease(ports, row, holder, leaseSeconds);
    if (fenced !== undefined) return { outcome: 'fenced', row: fenced };
  }
  throw new ThrottledError({
    what: `worker ${life.name} changed under each of ${MAXIMUM_ATTEMPTS} attempts to fence it`,
    remedy: 'none needed, the state retries',
  });
};

export const releaseLease = async (ports: RowPorts, life: Life, holder: string): Promise<boolean> => {
  const condition = all(equals('generation', life.generation), equals('lease.holder', holder));
  return (await updateRow(ports, life.name, { remove: ['lease'], condition })) !== undefined;
};

/** The reason in words is cut: it may quote an error. */
const removalOf = ({ reason, text }: RemovalReason, now: Date): Removal => ({
  reason,
  text: text.slice(0, 512),
  at: now.toISOString(),
});

export const nextTeardownAttempt = async (ports: RowPorts, life: Life, why?: RemovalReason): Promise<number> => {
  const condition = equals('generation', life.generation);
  const setOnce = why === undefined ? {} : { removal: removalOf(why, ports.clock.now()) };
  const row = await updateRow(ports, life.name, { add: { teardownAttempt: 1 }, setOnce, condition });
  if (row === undefined) throw ownershipLost(life, await findRow(ports, life.name));
  return row.teardownAttempt;
};

/** Never while the life is not fenced: a stray call must not give a running worker's address to another. */
export const releaseAddress = async (ports: RowPorts, life: Life): Promise<boolean> => {
  const row = await findRow(ports, life.name);
  if (!isLife(row, life) || (row.phase !== 'TEARING_DOWN' && row.phase !== 'REMOVED')) return false;
  if (row.role === 'lighthouse') await freeCluster(ports, row.cluster, life);
  const mine = all(equals('name', life.name), equals('generation', life.generation));
  const freed = await ports.store.update({
    pk: key.address(row.address),
    set: { state: 'free', freedAt: ports.clock.now().toISOString() },
    condition: all(mine, equals('state', 'held')),
  });
  if (freed !== undefined) return true;
  const present = (await ports.store.get(key.address(row.address))) as AddressItem | undefined;
  return present?.name === life.name && present.generation === life.generation && present.state === 'free';
};

/** Frees the address first, so that no row is history while its address is still held. True again on a repeat. */
export const markRemoved = async (ports: RowPorts, life: Life, holder: string): Promise<boolean> => {
  const before = await findRow(ports, life.name);
  if (!isLife(before, life)) return false;
  if (before.phase === 'TEARING_DOWN' && before.lease?.holder === holder) await releaseAddress(ports, life);
  const now = ports.clock.now();
  const ttl = timeToLive(now, HISTORY_SECONDS);
  const removed = await updateRow(ports, life.name, {
    set: { phase: 'REMOVED', removedAt: now.toISOString(), ttl },
    remove: ['lease', 'openCommand', 'openHomelabCommand'],
    condition: all(inPhase(life, ['TEARING_DOWN']), equals('lease.holder', holder)),
  });
  const after = removed ?? (await findRow(ports, life.name));
  if (!isLife(after, life) || after.phase !== 'REMOVED') return false;
  const { owner, name, generation } = after;
  await ports.store.put({ item: { pk: key.execution(owner), kind: 'EXEC', name, generation, ttl } });
  return true;
};
