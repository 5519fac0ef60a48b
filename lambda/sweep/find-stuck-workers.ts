import type { WorkerRow } from '#contract';
import type { Instance } from '#shared/aws/ec2-port.ts';
import type { Candidate } from './confirm-finding.ts';
import type { SweepPorts } from './ports.ts';

type StuckPorts = Pick<SweepPorts, 'executions' | 'startTeardown' | 'registry' | 'clock' | 'settings'>;
type Stuck = Pick<Candidate, 'reason' | 'looks'>;

const isQuiet = ({ clock, settings }: StuckPorts, row: WorkerRow): boolean =>
  clock.now().getTime() - Date.parse(row.updatedAt) >= settings.limits.sweepMinimumAgeSeconds * 1000;

const isLeaseOver = ({ clock }: StuckPorts, row: WorkerRow): boolean =>
  row.lease === undefined || Date.parse(row.lease.expiresAt) <= clock.now().getTime();

/** @param liveIds - absent when EC2 could not be asked: then nothing follows from an instance not being there */
const stuckReason = async (
  ports: StuckPorts,
  row: WorkerRow,
  liveIds: ReadonlySet<string> | undefined,
): Promise<Stuck | undefined> => {
  if (row.phase === 'REMOVED' || !isQuiet(ports, row)) return undefined;
  if (row.phase === 'TEARING_DOWN') {
    return isLeaseOver(ports, row) ? { reason: 'its teardown has died', looks: 1 } : undefined;
  }
  if (row.phase !== 'READY') {
    const status = await ports.executions.status(row.owner);
    return status === 'open' ? undefined : { reason: `its provision is over (${status}) in ${row.phase}`, looks: 1 };
  }
  const gone = liveIds !== undefined && row.instanceId !== undefined && !liveIds.has(row.instanceId);
  return gone ? { reason: `its instance ${row.instanceId} is gone`, looks: 2 } : undefined;
};

/**
 * Workers that nobody works on any more though they are neither ready nor removed, and ready ones whose instance is
 * gone (Spot took it back): their teardown is started.
 */
export const judgeWorker = async (
  ports: StuckPorts,
  row: WorkerRow,
  instances: readonly Instance[] | undefined,
): Promise<Candidate | undefined> => {
  const liveIds = instances && new Set(instances.map((instance) => instance.instanceId));
  const stuck = await stuckReason(ports, row, liveIds);
  if (stuck === undefined) return undefined;
  const { name, generation } = row;
  return {
    ...stuck,
    kind: 'worker',
    id: `${name}/${generation}`,
    worker: name,
    action: 'teardown-started',
    stillTrue: async () => {
      const now = await ports.registry.find(name);
      return now?.generation === generation && now.phase === row.phase;
    },
    act: async () => ((await ports.startTeardown({ name, generation })) === 'started' ? 'teardown-started' : 'none'),
  };
};
