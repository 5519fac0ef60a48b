import { dictAt, dig, isDict, type KubeObject, listAt, textAt, textsAt } from '../object.ts';
import type { Cluster } from '../server/cluster.ts';
import { builtIn } from '../server/kinds.ts';

const NODES = builtIn('nodes');
const PODS = builtIn('pods');

type Labels = Readonly<Record<string, string>>;

const expressionHolds = (expression: unknown, labels: Labels): boolean => {
  const value = labels[textAt(expression, 'key')];
  const values = listAt(expression, 'values').map(String);
  switch (textAt(expression, 'operator')) {
    case 'In':
      return value !== undefined && values.includes(value);
    case 'NotIn':
      return value === undefined || !values.includes(value);
    case 'Exists':
      return value !== undefined;
    case 'DoesNotExist':
      return value === undefined;
    default:
      return false;
  }
};

const affinityHolds = (spec: unknown, labels: Labels): boolean => {
  const required = 'requiredDuringSchedulingIgnoredDuringExecution';
  const terms = listAt(spec, 'affinity', 'nodeAffinity', required, 'nodeSelectorTerms');
  if (terms.length === 0) return true;
  return terms.some((term) => listAt(term, 'matchExpressions').every((entry) => expressionHolds(entry, labels)));
};

/** Whether the node selector and the required affinity of a pod name this node. */
export const isMeantFor = (spec: unknown, node: KubeObject): boolean => {
  const labels = textsAt(node, 'metadata', 'labels');
  const wanted = Object.entries(textsAt(spec, 'nodeSelector'));
  return wanted.every(([key, value]) => labels[key] === value) && affinityHolds(spec, labels);
};

const tolerates = (toleration: unknown, taint: unknown): boolean => {
  const key = textAt(toleration, 'key');
  const effect = textAt(toleration, 'effect');
  if (effect !== '' && effect !== textAt(taint, 'effect')) return false;
  if (key === '') return textAt(toleration, 'operator') === 'Exists';
  if (key !== textAt(taint, 'key')) return false;
  return textAt(toleration, 'operator') === 'Exists' || textAt(toleration, 'value') === textAt(taint, 'value');
};

/** First taint that keeps a pod with this spec off the node. */
export const repellingTaint = (spec: unknown, node: KubeObject): unknown =>
  listAt(node, 'spec', 'taints')
    .filter((taint) => textAt(taint, 'effect') !== 'PreferNoSchedule')
    .find((taint) => !listAt(spec, 'tolerations').some((toleration) => tolerates(toleration, taint)));

/** Devices such as GPUs: counted, unlike processors and memory, of which stand-ins use none. */
const devicesOf = (spec: unknown): Labels => {
  const wanted: Record<string, string> = {};
  for (const container of listAt(spec, 'containers')) {
    const { limits, requests } = dictAt(container, 'resources');
    for (const [name, count] of Object.entries({
      ...(isDict(requests) ? requests : {}),
      ...(isDict(limits) ? limits : {}),
    })) {
      if (name.includes('/')) wanted[name] = String(Number(wanted[name] ?? 0) + Number(count));
    }
  }
  return wanted;
};

const isOver = (pod: KubeObject): boolean => ['Succeeded', 'Failed'].includes(textAt(pod, 'status', 'phase'));

const lacksDevice = (cluster: Cluster, pod: KubeObject, node: KubeObject): string | undefined =>
  Object.entries(devicesOf(pod.spec)).find(([name, count]) => {
    const used = cluster.store
      .list(PODS)
      .filter((other) => textAt(other, 'spec', 'nodeName') === node.metadata.name && !isOver(other))
      .reduce((sum, other) => sum + Number(devicesOf(other.spec)[name] ?? 0), 0);
    return Number(textAt(node, 'status', 'allocatable', name) || '0') - used < Number(count);
  })?.[0];

const isBeside = (cluster: Cluster, term: unknown, pod: KubeObject, node: KubeObject): boolean => {
  const own = pod.metadata.namespace ?? 'default';
  const namespaces = listAt(term, 'namespaces').map(String);
  const labels = Object.entries(textsAt(term, 'labelSelector', 'matchLabels'));
  return (namespaces.length === 0 ? [own] : namespaces)
    .flatMap((namespace) => cluster.store.list(PODS, namespace))
    .filter((other) => textAt(other, 'spec', 'nodeName') === node.metadata.name)
    .some((other) => labels.every(([key, value]) => textAt(other, 'metadata', 'labels', key) === value));
};

const faultOf = (cluster: Cluster, pod: KubeObject, node: KubeObject): string | undefined => {
  if (!isMeantFor(pod.spec, node)) return "node(s) didn't match Pod's node affinity/selector";
  if (dig(node, 'spec', 'unschedulable') === true) return 'node(s) were unschedulable';
  const taint = repellingTaint(pod.spec, node);
  if (taint !== undefined) return `node(s) had untolerated taint {${textAt(taint, 'key')}: ${textAt(taint, 'value')}}`;
  const device = lacksDevice(cluster, pod, node);
  if (device !== undefined) return `Insufficient ${device}`;
  const required = 'requiredDuringSchedulingIgnoredDuringExecution';
  const beside = listAt(pod.spec, 'affinity', 'podAffinity', required);
  if (!beside.every((term) => isBeside(cluster, term, pod, node))) return "node(s) didn't match pod affinity rules";
  return undefined;
};

export type Placement = { readonly node: KubeObject } | { readonly why: string };

/** The first node, by name, that a pod may go to; or why none will do. */
export const placeFor = (cluster: Cluster, pod: KubeObject): Placement => {
  const reasons = new Map<string, number>();
  const all = cluster.store.list(NODES).sort((a, b) => a.metadata.name.localeCompare(b.metadata.name));
  for (const node of all) {
    const fault = faultOf(cluster, pod, node);
    if (fault === undefined) return { node };
    reasons.set(fault, (reasons.get(fault) ?? 0) + 1);
  }
  const list = [...reasons].map(([fault, count]) => `${count} ${fault}`).join(', ');
  return { why: `0/${all.length} nodes are available: ${list === '' ? 'no nodes' : list}.` };
};
