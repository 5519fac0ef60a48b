import { createHash } from 'node:crypto';
import { dictAt, dig, type KubeObject, listAt, textAt, textsAt } from '../object.ts';
import type { Cluster } from '../server/cluster.ts';
import { builtIn, type Resource } from '../server/kinds.ts';
import { StatusError } from '../server/status.ts';
import { isReady } from './nodes.ts';
import { isMeantFor, repellingTaint } from './schedule.ts';

const PODS = builtIn('pods');
const NODES = builtIn('nodes');
const HASH = 'pod-template-hash';
/** What the DaemonSet controller adds: its pods go to nodes that are not ready. */
const DAEMON_TOLERATIONS = ['not-ready', 'unreachable', 'unschedulable', 'disk-pressure', 'memory-pressure'].map(
  (name) => ({ key: `node.kubernetes.io/${name}`, operator: 'Exists' }),
);

/** A pod that a workload wants: its name, and the node if that is settled. */
interface Wanted {
  readonly name: string;
  readonly node?: string;
}

const shortHash = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 5);

export const ownedBy = (cluster: Cluster, owner: KubeObject): KubeObject[] =>
  cluster.store
    .list(PODS, owner.metadata.namespace)
    .filter(({ metadata }) => metadata.ownerReferences?.some(({ uid }) => uid === owner.metadata.uid) === true);

const podOf = (owner: KubeObject, { name, node }: Wanted, hash: string): KubeObject => {
  const template = dictAt(owner, 'spec', 'template');
  const spec = dictAt(template, 'spec');
  const { name: ownerName, namespace = 'default', uid = '' } = owner.metadata;
  const daemon =
    node === undefined ? {} : { nodeName: node, tolerations: [...listAt(spec, 'tolerations'), ...DAEMON_TOLERATIONS] };
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      namespace,
      labels: { ...textsAt(template, 'metadata', 'labels'), [HASH]: hash },
      annotations: { ...textsAt(template, 'metadata', 'annotations') },
      ownerReferences: [{ kind: owner.kind, name: ownerName, uid }],
    },
    spec: { ...spec, ...daemon },
    status: { phase: 'Pending' },
  };
};

const keep = (cluster: Cluster, owner: KubeObject, wanted: readonly Wanted[]): KubeObject[] => {
  const hash = shortHash(JSON.stringify(dictAt(owner, 'spec', 'template')));
  const names = new Set(wanted.map(({ name }) => name));
  for (const pod of ownedBy(cluster, owner)) {
    const outdated = textAt(pod, 'metadata', 'labels', HASH) !== hash;
    if (outdated || !names.has(pod.metadata.name)) cluster.store.remove(PODS, pod);
  }
  for (const entry of wanted) {
    if (cluster.find(PODS, owner.metadata.namespace, entry.name) !== undefined) continue;
    try {
      cluster.create(PODS, owner.metadata.namespace, podOf(owner, entry, hash));
    } catch (error) {
      if (!(error instanceof StatusError)) throw error;
      cluster.event(owner, 'FailedCreate', `Error creating: ${error.message}`);
    }
  }
  return ownedBy(cluster, owner);
};

const setStatus = (cluster: Cluster, resource: Resource, owner: KubeObject, status: Record<string, unknown>): void => {
  cluster.store.update(resource, owner, (copy) => {
    copy.status = { ...dictAt(copy, 'status'), ...status };
  });
};

const daemonSet = (cluster: Cluster, owner: KubeObject): void => {
  const spec = dictAt(owner, 'spec', 'template', 'spec');
  const tolerant = { ...spec, tolerations: [...listAt(spec, 'tolerations'), ...DAEMON_TOLERATIONS] };
  const wanted = cluster.store
    .list(NODES)
    .filter((node) => isMeantFor(spec, node) && repellingTaint(tolerant, node) === undefined)
    .map(({ metadata }) => ({ name: `${owner.metadata.name}-${shortHash(metadata.name)}`, node: metadata.name }));
  const pods = keep(cluster, owner, wanted);
  const ready = pods.filter(isReady).length;
  setStatus(cluster, builtIn('daemonsets'), owner, {
    desiredNumberScheduled: wanted.length,
    currentNumberScheduled: pods.length,
    updatedNumberScheduled: pods.length,
    numberReady: ready,
    numberAvailable: ready,
    numberUnavailable: wanted.length - ready,
  });
};

const replicasOf = (owner: KubeObject): number => {
  const replicas = dig(owner, 'spec', 'replicas');
  return typeof replicas === 'number' ? replicas : 1;
};

const replicated = (resource: Resource, nameOf: (owner: KubeObject, index: number) => string) => {
  return (cluster: Cluster, owner: KubeObject): void => {
    const count = replicasOf(owner);
    const wanted = Array.from({ length: count }, (_, index) => ({ name: nameOf(owner, index) }));
    const pods = keep(cluster, owner, wanted);
    const ready = pods.filter(isReady).length;
    const available = ready >= count;
    const reason = available ? 'MinimumReplicasAvailable' : 'MinimumReplicasUnavailable';
    setStatus(cluster, resource, owner, {
      replicas: pods.length,
      updatedReplicas: pods.length,
      readyReplicas: ready,
      availableReplicas: ready,
      ...(count > ready ? { unavailableReplicas: count - ready } : { unavailableReplicas: 0 }),
      conditions: [{ type: 'Available', status: available ? 'True' : 'False', reason }],
    });
  };
};

const random = (owner: KubeObject, index: number): string => {
  const { name, uid = '' } = owner.metadata;
  const template = shortHash(JSON.stringify(dictAt(owner, 'spec', 'template')));
  return `${name}-${template}-${shortHash(`${uid}/${index}`)}`;
};

const KEEPERS: readonly (readonly [Resource, (cluster: Cluster, owner: KubeObject) => void])[] = [
  [builtIn('daemonsets'), daemonSet],
  [builtIn('deployments'), replicated(builtIn('deployments'), random)],
  [builtIn('statefulsets'), replicated(builtIn('statefulsets'), ({ metadata }, index) => `${metadata.name}-${index}`)],
];

/** Keeps as many pods as DaemonSets, Deployments and StatefulSets want, and takes away those whose owner is gone. */
export const workloads = (cluster: Cluster): void => {
  for (const [resource, keeper] of KEEPERS) {
    for (const owner of cluster.store.list(resource)) keeper(cluster, owner);
  }
  const owners = new Set(
    [...KEEPERS.map(([resource]) => resource), builtIn('jobs')]
      .flatMap((resource) => cluster.store.list(resource))
      .map(({ metadata }) => metadata.uid),
  );
  for (const pod of cluster.store.list(PODS)) {
    const [owner] = pod.metadata.ownerReferences ?? [];
    if (owner !== undefined && !owners.has(owner.uid)) cluster.store.remove(PODS, pod);
  }
};
