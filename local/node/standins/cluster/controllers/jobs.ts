import { dictAt, dig, type KubeObject, textAt, textsAt } from '../object.ts';
import type { Cluster } from '../server/cluster.ts';
import { builtIn } from '../server/kinds.ts';
import { StatusError } from '../server/status.ts';
import { conditionOf } from './nodes.ts';
import { ownedBy } from './workloads.ts';

const JOBS = builtIn('jobs');
const PODS = builtIn('pods');

const addPod = (cluster: Cluster, job: KubeObject, attempt: number): void => {
  const { name, namespace = 'default', uid = '' } = job.metadata;
  const template = dictAt(job, 'spec', 'template');
  const pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: `${name}-${uid.slice(0, 4)}${attempt}`,
      namespace,
      labels: { ...textsAt(template, 'metadata', 'labels'), 'job-name': name, 'batch.kubernetes.io/job-name': name },
      annotations: { ...textsAt(template, 'metadata', 'annotations') },
      ownerReferences: [{ kind: 'Job', name, uid }],
    },
    spec: dictAt(template, 'spec'),
    status: { phase: 'Pending' },
  };
  try {
    cluster.create(PODS, namespace, pod);
  } catch (error) {
    if (!(error instanceof StatusError)) throw error;
    cluster.event(job, 'FailedCreate', `Error creating: ${error.message}`);
  }
};

interface Count {
  readonly active: number;
  readonly succeeded: number;
  readonly failed: number;
}

const isLate = (job: KubeObject): boolean => {
  const limit = Number(textAt(job, 'spec', 'activeDeadlineSeconds') || 'Infinity');
  return Date.now() - Date.parse(job.metadata.creationTimestamp ?? '') > limit * 1000;
};

const endOf = (job: KubeObject, { succeeded, failed }: Count): unknown[] | undefined => {
  const backoffLimit = dig(job, 'spec', 'backoffLimit');
  if (succeeded > 0) return [{ type: 'Complete', status: 'True' }];
  if (failed > (typeof backoffLimit === 'number' ? backoffLimit : 6)) {
    const message = 'Job has reached the specified backoff limit';
    return [{ type: 'Failed', status: 'True', reason: 'BackoffLimitExceeded', message }];
  }
  if (!isLate(job)) return undefined;
  const message = 'Job was active longer than specified deadline';
  return [{ type: 'Failed', status: 'True', reason: 'DeadlineExceeded', message }];
};

/** Runs the pods of Jobs until one ends well, or too many do not. */
export const jobs = (cluster: Cluster): void => {
  for (const job of cluster.store.list(JOBS)) {
    if (conditionOf(job, 'Complete') === 'True' || conditionOf(job, 'Failed') === 'True') continue;
    const pods = ownedBy(cluster, job);
    const phases = pods.map((pod) => textAt(pod, 'status', 'phase'));
    const failed = phases.filter((phase) => phase === 'Failed').length;
    const succeeded = phases.filter((phase) => phase === 'Succeeded').length;
    const count = { active: phases.length - failed - succeeded, succeeded, failed };
    const end = endOf(job, count);
    if (end === undefined && count.active === 0) addPod(cluster, job, failed);
    cluster.store.update(JOBS, job, (copy) => {
      copy.status = { ...count, ...(end === undefined ? {} : { conditions: end }) };
    });
  }
};
