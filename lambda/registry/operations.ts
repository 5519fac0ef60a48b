import { EVENT } from '#contract';
import type { Clock } from '../shared/clock.ts';
import type { Operations } from '../shared/operation-handler.ts';
import type { AnnounceWorker } from './announce-worker.ts';
import { awaitCluster, type ClusterPorts } from './await-cluster.ts';
import { fenceWorker } from './fence-worker.ts';
import type { Registry } from './port.ts';
import { type ReservePorts, reserveForExecution } from './reserve-for-execution.ts';

export interface RegistryPorts extends ReservePorts {
  readonly settings: ReservePorts['settings'] & ClusterPorts['settings'];
  readonly registry: Registry;
  readonly announce: AnnounceWorker;
  readonly clock: Pick<Clock, 'now'>;
}

/** Step Functions' causes run to 32 KiB; the first lines say what happened. */
const MAXIMUM_CAUSE_CHARACTERS = 4_000;

/** Errors that say: a teardown or another owner took over. Nothing failed, and nobody need order a replacement. */
const TAKEN_OVER: readonly string[] = ['OwnershipLostError', 'LaunchFencedError'];

/** The states of both machines that keep the registry. */
export const registryOperations = (ports: RegistryPorts): Operations<'registry'> => {
  const { registry, announce } = ports;

  const announceNow = async (type: Parameters<AnnounceWorker>[0], name: string): Promise<void> => {
    const row = await registry.find(name);
    if (row !== undefined) await announce(type, row);
  };

  return {
    reserve: (input) => reserveForExecution(ports, input),
    cluster: (input) => awaitCluster(ports, input),
    fence: (input) => fenceWorker(ports, input),
    releaseAddress: async (life) => ({ released: await registry.releaseAddress(life) }),
    async advance({ name, generation, execution, phase, details }) {
      const row = await registry.advance({ name, generation, execution }, phase, details);
      if (phase === 'READY') await announce(EVENT.workerReady, row);
      return { name, generation, phase: row.phase };
    },
    async recordFailure({ name, generation, execution, error, cause }) {
      if (TAKEN_OVER.includes(error)) return { recorded: false };
      const failure = { error, cause: cause.slice(0, MAXIMUM_CAUSE_CHARACTERS) };
      const recorded = await registry.recordFailure({ name, generation, execution }, failure);
      if (recorded) await announceNow(EVENT.workerFailed, name);
      return { recorded };
    },
    async markRemoved({ name, generation, execution }) {
      const removed = await registry.markRemoved({ name, generation }, execution);
      if (removed) await announceNow(EVENT.workerRemoved, name);
      return { removed };
    },
  };
};
