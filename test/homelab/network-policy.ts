import * as z from 'zod';
import { manifests } from './support.ts';

const Labels = z.object({ matchLabels: z.record(z.string(), z.string()).optional() });
const Peer = z.strictObject({ podSelector: Labels.optional(), namespaceSelector: Labels.optional() });
const Port = z.object({ port: z.union([z.int(), z.string()]), protocol: z.enum(['TCP', 'UDP']) });
const Side = z.object({
  from: z.array(Peer).optional(),
  to: z.array(Peer).optional(),
  ports: z.array(Port).optional(),
});
const Policy = z.object({
  podSelector: Labels,
  policyTypes: z.array(z.enum(['Ingress', 'Egress'])),
  ingress: z.array(Side).optional(),
  egress: z.array(Side).optional(),
});

/** A node has no labels that a policy could name: this is where agents come from, and the API server's proxy. */
export type Party =
  | { readonly kind: 'node' }
  | { readonly kind: 'outside' }
  | { readonly kind: 'pod'; readonly namespace: string; readonly labels: Readonly<Record<string, string>> };
export type Pod = Extract<Party, { kind: 'pod' }>;

/** Names of container ports, by pod. */
type PortNames = Readonly<Record<string, number>>;

const fits = (selector: z.infer<typeof Labels>, labels: Readonly<Record<string, string>>): boolean =>
  Object.entries(selector.matchLabels ?? {}).every(([key, value]) => labels[key] === value);

const peerFits = (peer: z.infer<typeof Peer>, party: Party, own: string): boolean => {
  if (party.kind !== 'pod') return false;
  const inNamespace = peer.namespaceSelector === undefined ? party.namespace === own : true;
  return inNamespace && fits(peer.podSelector ?? {}, party.labels);
};

const sideFits = (
  { ports, ...side }: z.infer<typeof Side>,
  other: Party,
  [port, protocol]: readonly [number, 'TCP' | 'UDP'],
  own: string,
  names: PortNames,
): boolean => {
  const peers = side.from ?? side.to;
  const toPort = ports?.some((one) => one.protocol === protocol && (names[one.port] ?? one.port) === port) ?? true;
  return toPort && (peers?.some((peer) => peerFits(peer, other, own)) ?? true);
};

/** Whether every policy together lets a pod be reached, or reach: as Kubernetes defines it, unions of allowances. */
export const lets = (
  direction: 'Ingress' | 'Egress',
  pod: Pod,
  other: Party,
  port: readonly [number, 'TCP' | 'UDP'],
  names: PortNames = {},
): boolean => {
  const policies = manifests()
    .filter(({ kind, metadata }) => kind === 'NetworkPolicy' && metadata.namespace === pod.namespace)
    .map(({ spec }) => Policy.parse(spec))
    .filter(({ podSelector, policyTypes }) => policyTypes.includes(direction) && fits(podSelector, pod.labels));
  if (policies.length === 0) return true;
  const sides = policies.flatMap(({ ingress = [], egress = [] }) => (direction === 'Ingress' ? ingress : egress));
  return sides.some((side) => sideFits(side, other, port, pod.namespace, names));
};
