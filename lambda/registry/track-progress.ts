import type { ColdStart, Details, Phase, WorkerRow } from '#contract';
import type { Clock } from '../shared/clock.ts';
import type { Life, OwnedLife, ReachedPhase } from './port.ts';
import { inPhase, isLife, key, ownershipLost, PROVISIONING, toRow } from './rows.ts';
import { absent, all, equals, type Store, type Update } from './store.ts';

export interface RowPorts {
  readonly store: Store;
  readonly clock: Clock;
}

export const findRow = async ({ store }: Pick<RowPorts, 'store'>, name: string): Promise<WorkerRow | undefined> => {
  const item = await store.get(key.worker(name));
  return item === undefined ? undefined : toRow(item);
};

export const updateRow = async (
  { store, clock }: RowPorts,
  name: string,
  update: Omit<Update, 'pk'>,
): Promise<WorkerRow | undefined> => {
  const set = { ...update.set, updatedAt: clock.now().toISOString() };
  const item = await store.update({ ...update, pk: key.worker(name), set });
  return item === undefined ? undefined : toRow(item);
};

/** Forward only: a repeat is harmless, a fence stops it. Each detail is set by itself: none undoes another's. */
export const advance = async (
  ports: RowPorts,
  life: OwnedLife,
  phase: ReachedPhase,
  details: Details,
): Promise<WorkerRow> => {
  const upTo = PROVISIONING.slice(0, PROVISIONING.indexOf(phase) + 1);
  const condition = all(inPhase(life, upTo), equals('owner', life.execution));
  const learnt = Object.fromEntries(Object.entries(details).map(([name, value]) => [`details.${name}`, value]));
  const setOnce = phase === 'READY' ? { readyAt: ports.clock.now().toISOString() } : {};
  const row = await updateRow(ports, life.name, { set: { phase, ...learnt }, setOnce, condition });
  if (row === undefined) throw ownershipLost(life, await findRow(ports, life.name));
  return row;
};

/** True as well when this very failure is the one on record, so that a repeat after a lost answer tells the truth. */
export const recordFailure = async (
  ports: RowPorts,
  life: OwnedLife,
  failure: { error: string; cause: string },
): Promise<boolean> => {
  const mine = all(equals('generation', life.generation), equals('owner', life.execution));
  const row = await updateRow(ports, life.name, { set: { failure }, condition: all(mine, absent('failure')) });
  if (row !== undefined) return true;
  const present = await findRow(ports, life.name);
  return (
    isLife(present, life) &&
    present.owner === life.execution &&
    present.failure?.error === failure.error &&
    present.failure.cause === failure.cause
  );
};

export const recordColdStart = async (ports: RowPorts, life: Life, coldStart: ColdStart): Promise<boolean> =>
  (await updateRow(ports, life.name, { set: { coldStart }, condition: inPhase(life, PROVISIONING) })) !== undefined;

/** A new worker becomes IDENTIFIED; a renewal leaves the phase where it is. */
export const recordIdentity = async (
  ports: RowPorts,
  life: Life,
  identity: { secretArn: string; fingerprint: string; notAfter: string },
): Promise<void> => {
  const set = {
    secretArn: identity.secretArn,
    certificateFingerprint: identity.fingerprint,
    certificateNotAfter: identity.notAfter,
  };
  const before: readonly Phase[] = ['RESERVED', 'IDENTIFIED'];
  const born = { set: { ...set, phase: 'IDENTIFIED' }, condition: inPhase(life, before) };
  if ((await updateRow(ports, life.name, born)) !== undefined) return;
  const renewed = { set, condition: inPhase(life, PROVISIONING) };
  if ((await updateRow(ports, life.name, renewed)) !== undefined) return;
  throw ownershipLost(life, await findRow(ports, life.name));
};
