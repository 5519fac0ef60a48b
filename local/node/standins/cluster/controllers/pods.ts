import { dictAt, dig, type KubeObject, listAt, textAt } from '../object.ts';
import { readKnob } from '../place.ts';
import type { Cluster } from '../server/cluster.ts';
import { builtIn } from '../server/kinds.ts';
import { probeVerdict } from '../server/probes.ts';
import { internalIp, isHeardOf, isReady } from './nodes.ts';
import { placeFor } from './schedule.ts';

const PODS = builtIn('pods');
const NODES = builtIn('nodes');

interface Waiting {
  readonly reason: string;
  readonly message: string;
}

/** Lines `namespace/prefix [Reason [message]]` of the knob `pods-never-ready`. */
const toldToWait = ({ metadata }: KubeObject): Waiting | undefined => {
  for (const line of (readKnob('kube/pods-never-ready') ?? '').split('\n')) {
    const [prefix = '', reason = 'ImagePullBackOff', ...message] = line.trim().split(/\s+/);
    if (prefix !== '' && `${metadata.namespace}/${metadata.name}`.startsWith(prefix)) {
      return { reason, message: message.join(' ') || 'Back-off pulling image' };
    }
  }
  return undefined;
};

const missingVolume = (cluster: Cluster, pod: KubeObject): Waiting | undefined => {
  for (const volume of listAt(pod.spec, 'volumes')) {
    for (const [source, field, plural] of [
      ['secret', 'secretName', 'secrets'],
      ['configMap', 'name', 'configmaps'],
    ] as const) {
      const name = textAt(volume, source, field);
      if (name === '' || dig(volume, source, 'optional') === true) continue;
      if (cluster.find(builtIn(plural), pod.metadata.namespace, name) === undefined) {
        const what = `MountVolume.SetUp failed for volume "${textAt(volume, 'name')}" : ${source} "${name}" not found`;
        return { reason: 'ContainerCreating', message: what };
      }
    }
  }
  return undefined;
};

const setStatus = (cluster: Cluster, pod: KubeObject, status: Record<string, unknown>): void => {
  cluster.store.update(PODS, pod, (copy) => {
    copy.status = { ...dictAt(copy, 'status'), ...status };
  });
};

const conditions = (ready: boolean, reason?: string, message?: string): unknown[] => {
  const status = ready ? 'True' : 'False';
  const why = reason === undefined ? {} : { reason, message };
  return [
    { type: 'PodScheduled', status: 'True' },
    { type: 'Initialized', status: 'True' },
    { type: 'ContainersReady', status, ...why },
    { type: 'Ready', status, ...why },
  ];
};

const containers = (pod: KubeObject, ready: boolean, state: unknown): unknown[] =>
  listAt(pod.spec, 'containers').map((container) => ({
    name: textAt(container, 'name'),
    image: textAt(container, 'image'),
    ready,
    restartCount: 0,
    state,
  }));

const keepWaiting = (cluster: Cluster, pod: KubeObject, waiting: Waiting): void => {
  const status = conditions(false, 'ContainersNotReady', 'containers with unready status');
  setStatus(cluster, pod, {
    phase: 'Pending',
    conditions: status,
    containerStatuses: containers(pod, false, { waiting }),
  });
  cluster.event(pod, waiting.reason === 'ContainerCreating' ? 'FailedMount' : 'Failed', waiting.message);
};

/** Next free address of the node's range: the same for the same order of pods. */
const podAddress = (cluster: Cluster, node: KubeObject): string => {
  const [base = '10.42.255.0'] = textAt(node, 'spec', 'podCIDR').split('/');
  const prefix = base.split('.').slice(0, 3).join('.');
  const taken = new Set(cluster.store.list(PODS).map((pod) => textAt(pod, 'status', 'podIP')));
  for (let last = 10; last < 250; last++) if (!taken.has(`${prefix}.${last}`)) return `${prefix}.${last}`;
  return `${prefix}.250`;
};

/** Of pods that end by themselves: those of Jobs, and single ones that are not restarted. */
const ends = (pod: KubeObject): boolean => ['Never', 'OnFailure'].includes(textAt(pod.spec, 'restartPolicy'));

const run = (cluster: Cluster, pod: KubeObject, node: KubeObject): void => {
  const hostNetwork = dig(pod.spec, 'hostNetwork') === true;
  setStatus(cluster, pod, {
    phase: 'Running',
    conditions: conditions(true),
    hostIP: internalIp(node),
    podIP: hostNetwork ? internalIp(node) : podAddress(cluster, node),
    startTime: new Date().toISOString(),
    containerStatuses: containers(pod, true, { running: { startedAt: new Date().toISOString() } }),
  });
};

const finish = (cluster: Cluster, pod: KubeObject, node: KubeObject): void => {
  const verdict = probeVerdict(cluster, pod, node);
  if (verdict === undefined) return;
  const { exitCode, message } = verdict;
  const reason = exitCode === 0 ? 'Completed' : 'Error';
  setStatus(cluster, pod, {
    phase: exitCode === 0 ? 'Succeeded' : 'Failed',
    conditions: conditions(false, 'PodCompleted', ''),
    containerStatuses: containers(pod, false, { terminated: { exitCode, reason, message } }),
  });
};

const schedule = (cluster: Cluster, pod: KubeObject): void => {
  const placement = placeFor(cluster, pod);
  if ('node' in placement) {
    cluster.store.update(PODS, pod, (copy) => {
      copy.spec = { ...dictAt(copy, 'spec'), nodeName: placement.node.metadata.name };
    });
    return;
  }
  const message = placement.why;
  const condition = { type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message };
  setStatus(cluster, pod, { phase: 'Pending', conditions: [condition] });
  // Not of what the next round of the controllers settles.
  if (Date.now() - Date.parse(pod.metadata.creationTimestamp ?? '') > 1500)
    cluster.event(pod, 'FailedScheduling', message);
};

const whatHolds = (cluster: Cluster, pod: KubeObject, node: KubeObject): Waiting | undefined => {
  const waiting = toldToWait(pod) ?? missingVolume(cluster, pod);
  if (waiting !== undefined || isReady(node) || dig(pod.spec, 'hostNetwork') === true) return waiting;
  return { reason: 'ContainerCreating', message: 'network is not ready: container runtime network not ready' };
};

/** The kubelet's part. */
const live = (cluster: Cluster, pod: KubeObject, node: KubeObject): void => {
  const isRunning = textAt(pod, 'status', 'phase') === 'Running';
  const waiting = isRunning ? toldToWait(pod) : whatHolds(cluster, pod, node);
  if (waiting !== undefined) keepWaiting(cluster, pod, waiting);
  else if (!isRunning) run(cluster, pod, node);
  else if (ends(pod)) finish(cluster, pod, node);
};

const step = (cluster: Cluster, pod: KubeObject): void => {
  if (['Succeeded', 'Failed'].includes(textAt(pod, 'status', 'phase'))) return;
  const nodeName = textAt(pod, 'spec', 'nodeName');
  const node = cluster.find(NODES, undefined, nodeName);
  if (nodeName === '') schedule(cluster, pod);
  else if (node === undefined) cluster.store.remove(PODS, pod);
  else if (isHeardOf(cluster, node)) live(cluster, pod, node);
};

/** Scheduler and kubelets: pods are placed, start, and end where they are meant to. */
export const pods = (cluster: Cluster): void => {
  for (const pod of cluster.store.list(PODS)) step(cluster, pod);
};
