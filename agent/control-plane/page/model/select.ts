import type { NodeKind, NodeState, NodeView } from '../../views.ts';
import { costOf, type Prices } from './prices.ts';
import { nameOf, ROLES, urgencyOf } from './words.ts';

export type Order = 'attention' | 'name' | 'cost' | 'idle';

/** What is shown, and in which order. */
export interface Selection {
  readonly text: string;
  readonly role: NodeKind | '';
  /** Nothing chosen: everything that is not gone. */
  readonly state: NodeState | '';
  readonly order: Order;
}

export const EVERYTHING: Selection = { text: '', role: '', state: '', order: 'attention' };

/** Everything of a node that somebody may look for, in lower case. */
const haystackOf = (node: NodeView): string =>
  [
    ...[nameOf(node), node.id, node.instance_id, node.nebula_ip, node.public_ip, node.instance_type, node.market],
    ...[ROLES[node.type], node.region, node.az, node.fleet, node.busy_with],
    ...(node.models ?? []).map(({ name }) => name),
    ...(node.gpus ?? []).map(({ name }) => name),
  ]
    .join('\n')
    .toLowerCase();

const matches = (node: NodeView, { text, role, state }: Selection): boolean => {
  if (state === '' ? node.state === 'gone' : node.state !== state) return false;
  if (role !== '' && node.type !== role) return false;
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return true;
  const haystack = haystackOf(node);
  return words.every((word) => haystack.includes(word));
};

const NAMES = new Intl.Collator('en', { numeric: true });

type Rank = (node: NodeView) => number;

/** What comes first has the greatest rank. */
const rankOf = (order: Order, prices: Prices): Rank => {
  if (order === 'attention') return urgencyOf;
  if (order === 'cost') return (node) => costOf(node, prices)?.hourly ?? -1;
  return order === 'idle' ? (node) => node.idle_seconds ?? -1 : () => 0;
};

/** The nodes that are asked for. Equal ones stand by name, `gpu-2` before `gpu-10`, so that nothing moves without a reason. */
export const selectNodes = (nodes: Iterable<NodeView>, selection: Selection, prices: Prices): NodeView[] => {
  const rank = rankOf(selection.order, prices);
  return [...nodes]
    .filter((node) => matches(node, selection))
    .map((node) => ({ node, rank: rank(node), name: nameOf(node) }))
    .sort((one, other) => other.rank - one.rank || NAMES.compare(one.name, other.name))
    .map(({ node }) => node);
};
