import type { WorkerObservation, WorkerRow } from '#contract';
import type { ObservePorts } from './ports.ts';

/**
 * Later than this nobody can say any more what the worker does now. Also bounds how far the homelab's clock may be from
 * ours.
 */
const FRESH_MILLISECONDS = 10 * 60_000;

/** Why an observation does not mean the worker of that name as it is now; nothing where it does. */
const mismatch = (
  { settings }: Pick<ObservePorts, 'settings'>,
  seen: WorkerObservation,
  row: WorkerRow | undefined,
): string | undefined => {
  if (seen.fleet !== '' && seen.fleet !== settings.fleet) return `it is a worker of fleet ${seen.fleet}`;
  if (row === undefined) return 'no such worker';
  if (seen.generation !== '' && seen.generation !== row.generation) return 'another life has the name';
  if (row.instanceId !== seen.instanceId) return `the worker's instance is ${row.instanceId ?? 'none'}`;
  if (row.address !== seen.nebulaIp) return `the worker's mesh address is ${row.address}`;
  return row.phase === 'READY' ? undefined : `the worker is in phase ${row.phase}`;
};

/** The worker that was observed, or why there is none: what the homelab says is checked against the registry. */
export const findObserved = async (
  { registry, settings, clock }: Pick<ObservePorts, 'registry' | 'settings' | 'clock'>,
  seen: WorkerObservation,
): Promise<WorkerRow | string> => {
  const age = clock.now().getTime() - Date.parse(seen.observedAt);
  if (Math.abs(age) > FRESH_MILLISECONDS) return `it was observed ${Math.round(age / 1000)} s ago`;
  const row = await registry.find(seen.worker);
  return mismatch({ settings }, seen, row) ?? row ?? 'no such worker';
};
