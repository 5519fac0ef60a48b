import type { WorkerRow } from '#contract';
import { type Instance, LIVE_STATES } from '#shared/aws/ec2-port.ts';
import type { RemovalReason } from '../registry/port.ts';
import type { Candidate } from './confirm-finding.ts';
import type { SweepPorts } from './ports.ts';

type StuckPorts = Pick<SweepPorts, 'ec2' | 'executions' | 'startTeardown' | 'registry' | 'clock' | 'settings'>;
type Stuck = Pick<Candidate, 'reason' | 'looks'> & { readonly removal: RemovalReason['reason'] };

const isQuiet = ({ clock, settings }: StuckPorts, row: WorkerRow): boolean =>
  clock.now().getTime() - Date.parse(row.updatedAt) >= settings.limits.sweepMinimumAgeSeconds * 1000;

const isLeaseOver = ({ clock }: StuckPorts, row: WorkerRow): boolean =>
  row.lease === undefined || Date.parse(row.lease.expiresAt) <= clock.now().getTime();

/**
 * A ready worker whose instance was not among the fleet's. What EC2 itself says of that one instance decides: that it has
 * ended cannot be a matter of timing and is acted upon at once; that EC2 does not know it, or that it runs without the
 * fleet's tags, may be, and wants a second look.
 */
const lostReason = async (ports: StuckPorts, row: WorkerRow, instanceId: string): Promise<Stuck | undefined> => {
  const [instance] = await ports.ec2.instances({ instanceIds: [instanceId] });
  const gone = `its instance ${instanceId} is gone`;
  if (instance === undefined) return isQuiet(ports, row) ? { reason: gone, looks: 2, removal: 'lost' } : undefined;
  if (LIVE_STATES.includes(instance.state)) {
    const reason = `its instance ${instanceId} carries the fleet's tags no more`;
    return isQuiet(ports, row) ? { reason, looks: 2, removal: 'lost' } : undefined;
  }
  const why = instance.stateReason === '' ? '' : `: ${instance.stateReason}`;
  return { reason: `${gone} (${instance.state}${why})`, looks: 1, removal: 'lost' };
};

/** @param liveIds - absent when EC2 could not be asked: then nothing follows from an instance not being there */
const stuckReason = async (
  ports: StuckPorts,
  row: WorkerRow,
  liveIds: ReadonlySet<string> | undefined,
): Promise<Stuck | undefined> => {
  if (row.phase === 'READY') {
    const missing = liveIds !== undefined && row.instanceId !== undefined && !liveIds.has(row.instanceId);
    return missing ? await lostReason(ports, row, row.instanceId ?? '') : undefined;
  }
  if (row.phase === 'REMOVED' || !isQuiet(ports, row)) return undefined;
  if (row.phase === 'TEARING_DOWN') {
    return isLeaseOver(ports, row) ? { reason: 'its teardown has died', looks: 1, removal: 'failed' } : undefined;
  }
  const status = await ports.executions.status(row.owner);
  if (status === 'open') return undefined;
  return { reason: `its provision is over (${status}) in ${row.phase}`, looks: 1, removal: 'failed' };
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
  const { removal, reason, looks } = stuck;
  return {
    reason,
    looks,
    kind: 'worker',
    id: `${name}/${generation}`,
    worker: name,
    action: 'teardown-started',
    stillTrue: async () => {
      const now = await ports.registry.find(name);
      return now?.generation === generation && now.phase === row.phase;
    },
    act: async () =>
      (await ports.startTeardown({ name, generation }, { reason: removal, text: reason })) === 'started'
        ? 'teardown-started'
        : 'none',
  };
};
