import type { WorkerRow } from '#contract';
import { ClusterConflictError } from '../shared/errors.ts';
import type { Life } from './port.ts';
import { type ClusterItem, heldCluster, isLife, key } from './rows.ts';
import { absent, all, any, equals, type Put, type Store } from './store.ts';
import { findRow } from './track-progress.ts';

interface ClusterPorts {
  readonly store: Store;
}

/** What a lighthouse's reservation claims beside name and address; a gpu-worker claims no cluster. */
export const clusterClaim = ({ role, cluster, name, generation }: WorkerRow): Put[] =>
  role === 'lighthouse'
    ? [{ item: heldCluster({ cluster, name, generation }), condition: any(absent('pk'), equals('state', 'free')) }]
    : [];

/** The worker that has the cluster as its server. */
export const findServer = async (ports: ClusterPorts, cluster: string): Promise<WorkerRow | undefined> => {
  const item = (await ports.store.get(key.cluster(cluster))) as ClusterItem | undefined;
  if (item?.state !== 'held') return undefined;
  const row = await findRow(ports, item.name);
  return isLife(row, item) && row.phase !== 'REMOVED' ? row : undefined;
};

/** Gives the cluster of a life up; that of another stays. */
export const freeCluster = async ({ store }: ClusterPorts, cluster: string, life: Life): Promise<void> => {
  const mine = all(equals('name', life.name), equals('generation', life.generation));
  await store.update({ pk: key.cluster(cluster), set: { state: 'free' }, condition: mine });
};

export const clusterTaken = async (ports: ClusterPorts, cluster: string): Promise<ClusterConflictError> => {
  const server = await findServer(ports, cluster);
  const named = server === undefined ? 'no server any more' : `${server.name}, in phase ${server.phase}`;
  return new ClusterConflictError({
    what: `cluster ${cluster} has its server already`,
    got: named,
    allowed: 'one lighthouse a cluster',
    remedy: `tear ${server?.name ?? 'it'} down first, or name another cluster in the request`,
  });
};
