import type { Cluster } from '../server/cluster.ts';
import { jobs } from './jobs.ts';
import { namespaces } from './namespaces.ts';
import { nodes } from './nodes.ts';
import { pods } from './pods.ts';
import { services } from './services.ts';
import { workloads } from './workloads.ts';

const ROUNDS = 30;

/** Lets every controller act until none has anything left to do. */
export const reconcile = (cluster: Cluster): void => {
  for (let round = 0; round < ROUNDS; round++) {
    const before = cluster.store.version;
    for (const controller of [namespaces, services, workloads, jobs, nodes, pods]) controller(cluster);
    if (cluster.store.version === before) return;
  }
};
