import {
  LAUNCH_CONSISTENCY_SECONDS,
  LAUNCH_TIMEOUT_SECONDS,
  type OperationInput,
  type OperationOutput,
  TEARDOWN_LEASE_SECONDS,
  type WorkerRow,
} from '#contract';
import type { Clock } from '../shared/clock.ts';
import type { Registry } from './port.ts';

const LAUNCH_IN_FLIGHT_MILLISECONDS = (LAUNCH_TIMEOUT_SECONDS + LAUNCH_CONSISTENCY_SECONDS) * 1000;

/** Only a fence that met a launch has to wait for it: what that call makes shows up this much later at most. */
const proveAfter = (row: WorkerRow | undefined, now: Date): number => {
  if (row?.fencedAt === undefined) return now.getTime();
  const inFlight = row.fencedPhase === 'LAUNCHING' ? LAUNCH_IN_FLIGHT_MILLISECONDS : 0;
  return Date.parse(row.fencedAt) + inFlight;
};

/**
 * FenceWorker: from here on no step of the provision changes the row, and no other teardown works on it. The answer
 * holds all that the undoing steps need, empty where unknown.
 */
export const fenceWorker = async (
  { registry, clock }: { readonly registry: Pick<Registry, 'fence'>; readonly clock: Pick<Clock, 'now'> },
  { name, generation, execution }: OperationInput<'registry', 'fence'>,
): Promise<OperationOutput<'registry', 'fence'>> => {
  const life = { name, generation: generation === '' ? undefined : generation };
  const { outcome, row } = await registry.fence(life, execution, TEARDOWN_LEASE_SECONDS);
  return {
    outcome,
    name,
    generation: row?.generation ?? generation,
    instanceId: row?.instanceId ?? '',
    commandId: row?.openCommand?.commandId ?? '',
    amiId: row?.launchedAmiId ?? '',
    holder: row?.lease?.holder ?? '',
    proveAfter: proveAfter(row, clock.now()),
  };
};
