import { EVENT, WorkerObservation } from '#contract';
import type { Observation } from '../fleet/observation.ts';

/** An event as it goes to the bus. */
export interface BusEntry {
  readonly source: string;
  readonly detailType: string;
  readonly detail: WorkerObservation;
}

const known = (observation: Observation): Record<string, unknown> =>
  observation.kind === 'idle'
    ? { idleSeconds: observation.idleSeconds }
    : { lastSeen: observation.lastSeen.toISOString() };

/**
 * @returns undefined where the observation is not one of a worker of ours (a node without an instance id): AWS would
 * refuse it
 */
export const toEvent = (observation: Observation): BusEntry | undefined => {
  const { worker, fleet, generation, instanceId, nebulaIp, nodeId, path } = observation;
  const detail = WorkerObservation.safeParse({
    ...{ worker, fleet, generation, instanceId, nebulaIp, nodeId, path },
    observedAt: observation.observedAt.toISOString(),
    ...known(observation),
  });
  if (!detail.success) return undefined;
  const detailType = observation.kind === 'idle' ? EVENT.workerIdle : EVENT.workerDead;
  return { source: EVENT.homelabSource, detailType, detail: detail.data };
};
