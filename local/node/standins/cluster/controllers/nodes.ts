import { dictAt, type KubeObject, listAt, textAt } from '../object.ts';
import { readKnob } from '../place.ts';
import type { Cluster } from '../server/cluster.ts';
import { builtIn } from '../server/kinds.ts';

const NODES = builtIn('nodes');
const PODS = builtIn('pods');
const LEASES = builtIn('leases');
/** After so long without a word from its kubelet a node counts as gone. The real one waits 40 seconds. */
const SILENCE_MS = 8000;
const NO_CNI =
  'container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady message:Network plugin returns error: cni plugin not initialized';

export const isVirtual = (node: KubeObject): boolean =>
  textAt(node, 'metadata', 'labels', 'liqo.io/type') === 'virtual-node';

export const conditionOf = (object: KubeObject, type: string): string =>
  textAt(
    listAt(object, 'status', 'conditions').find((condition) => textAt(condition, 'type') === type),
    'status',
  );

export const isReady = (object: KubeObject): boolean => conditionOf(object, 'Ready') === 'True';

export const internalIp = (node: KubeObject): string =>
  textAt(
    listAt(node, 'status', 'addresses').find((address) => textAt(address, 'type') === 'InternalIP'),
    'address',
  );

const hasCni = (cluster: Cluster, node: KubeObject): boolean =>
  !cluster.options.needsCni ||
  cluster.store
    .list(PODS, 'kube-system')
    .some(
      (pod) =>
        textAt(pod, 'spec', 'nodeName') === node.metadata.name &&
        textAt(pod, 'metadata', 'labels', 'k8s-app') === 'cilium' &&
        isReady(pod),
    );

/** Whether a node's kubelet has been heard of lately; nodes without a lease are part of the scenery. */
export const isHeardOf = (cluster: Cluster, node: KubeObject, now = Date.now()): boolean => {
  const lease = cluster.find(LEASES, 'kube-node-lease', node.metadata.name);
  return lease === undefined || now - Date.parse(textAt(lease, 'spec', 'renewTime')) < SILENCE_MS;
};

const verdict = (cluster: Cluster, node: KubeObject): { status: string; reason: string; message: string } => {
  if (!isHeardOf(cluster, node)) {
    return { status: 'Unknown', reason: 'NodeStatusUnknown', message: 'Kubelet stopped posting node status.' };
  }
  const told = (readKnob('kube/node-not-ready') ?? '').split('\n').map((line) => line.trim());
  if (told.includes(node.metadata.name)) {
    return { status: 'False', reason: 'KubeletNotReady', message: 'PLEG is not healthy' };
  }
  if (!hasCni(cluster, node)) return { status: 'False', reason: 'KubeletNotReady', message: NO_CNI };
  return { status: 'True', reason: 'KubeletReady', message: 'kubelet is posting ready status' };
};

const OURS = ['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable'];

const taintsOf = (node: KubeObject, status: string): unknown[] => {
  const others = listAt(node, 'spec', 'taints').filter((taint) => !OURS.includes(textAt(taint, 'key')));
  if (status === 'True') return others;
  return [...others, { key: status === 'False' ? OURS[0] : OURS[1], effect: 'NoSchedule' }];
};

const freePodCidr = (cluster: Cluster): string => {
  const prefix = (cluster.options.podCidr ?? '10.42.0.0/16').split('.').slice(0, 2).join('.');
  const taken = cluster.store.list(NODES).map((node) => textAt(node, 'spec', 'podCIDR'));
  for (let third = 0; third < 256; third++) {
    if (!taken.includes(`${prefix}.${third}.0/24`)) return `${prefix}.${third}.0/24`;
  }
  return '';
};

/** Ready as soon as the network is there, NotReady when the kubelet falls silent or a knob says so. */
export const nodes = (cluster: Cluster): void => {
  for (const node of cluster.store.list(NODES)) {
    if (isVirtual(node)) continue;
    const { status, reason, message } = verdict(cluster, node);
    cluster.store.update(NODES, node, (copy) => {
      const taints = taintsOf(copy, status);
      const podCIDR = textAt(copy, 'spec', 'podCIDR') || freePodCidr(cluster);
      const { taints: _old, ...spec } = dictAt(copy, 'spec');
      copy.spec = { ...spec, podCIDR, ...(taints.length === 0 ? {} : { taints }) };
      const others = listAt(copy, 'status', 'conditions').filter((entry) => textAt(entry, 'type') !== 'Ready');
      copy.status = { ...dictAt(copy, 'status'), conditions: [...others, { type: 'Ready', status, reason, message }] };
    });
  }
};
