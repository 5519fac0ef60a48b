import type { NodeState, PathState } from '../views.ts';
import type { LiveNode } from './node.ts';

/** All in milliseconds. */
export interface FleetLimits {
  /** Silence after which a node is stale. */
  readonly stale: number;
  /** Silence after which a node is dead. */
  readonly dead: number;
  /** What is dead or gone for so long is forgotten. */
  readonly forget: number;
  /** Idleness from which a worker is told of, and how often while it lasts. */
  readonly idleAfter: number;
  readonly idleEvery: number;
  /** How often a dead worker is told of again. */
  readonly deadEvery: number;
}

/** State of a node by its silence. What is gone comes back only by registering. */
export const stateAt = (node: LiveNode, now: number, limits: FleetLimits): NodeState => {
  if (node.record.state === 'gone') return 'gone';
  const silence = now - node.heardAt;
  if (silence >= limits.dead) return 'dead';
  return silence >= limits.stale ? 'stale' : 'online';
};

/** Agents speak each half a minute: those who lose one way together fall silent within twice that. */
const TOGETHER = 60_000;

/**
 * Whether the way is broken rather than the workers: nobody is heard any more, and at least two fell silent together.
 * Nodes that this process never heard say nothing about that.
 */
export const judgePath = (nodes: Iterable<LiveNode>): PathState => {
  const silent: number[] = [];
  for (const { record, heardAt } of nodes) {
    if (record.state === 'online') return 'ok';
    if (record.state !== 'gone' && Number.isFinite(heardAt)) silent.push(heardAt);
  }
  const last = Math.max(...silent);
  return silent.filter((heardAt) => heardAt >= last - TOGETHER).length >= 2 ? 'suspect' : 'ok';
};

/**
 * The control plane itself was away (stopped, starved, asleep): what it did not hear meanwhile is nobody's fault. Each
 * node gets its whole limit anew; who was stale stays so, with the rest of the way to death before it.
 */
export const forgive = (node: LiveNode, now: number, limits: FleetLimits): void => {
  if (node.record.state === 'online') node.heardAt = now;
  if (node.record.state === 'stale') node.heardAt = now - limits.stale;
};
