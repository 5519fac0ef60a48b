import type { NodeState, NodeView } from '../../views.ts';
import { type Cost, costOf, type Prices } from './prices.ts';
import { shareOf } from './quantity.ts';
import { healthOf } from './words.ts';

/** The fleet in a handful of numbers; what is gone counts nowhere. */
export interface Summary {
  readonly total: number;
  readonly states: Readonly<Record<NodeState, number>>;
  readonly healthy: number;
  readonly degraded: number;
  readonly unhealthy: number;
  readonly gpus: number;
  /** Mean utilisation, 0 to 1; undefined without GPUs that report. */
  readonly utilization: number | undefined;
  readonly loadedModels: number;
  readonly cost: Cost;
  /** Nodes whose price nobody knows: the cost does not hold them. */
  readonly unpriced: number;
  readonly interrupted: number;
}

const count = (nodes: readonly NodeView[], is: (node: NodeView) => boolean): number => nodes.filter(is).length;

const sum = (numbers: readonly number[]): number => numbers.reduce((total, one) => total + one, 0);

/** A dead agent's machine may well run, and cost: it is counted until it is known to be gone. */
const sumCosts = (nodes: readonly NodeView[], prices: Prices): { cost: Cost; unpriced: number } => {
  const costs = nodes.map((node) => costOf(node, prices)).filter((cost) => cost !== undefined);
  return {
    cost: { hourly: sum(costs.map(({ hourly }) => hourly)), atMost: costs.some(({ atMost }) => atMost) },
    unpriced: nodes.length - costs.length,
  };
};

export const summarise = (all: readonly NodeView[], prices: Prices): Summary => {
  const nodes = all.filter(({ state }) => state !== 'gone');
  const online = nodes.filter(({ state }) => state === 'online');
  const inState = (state: NodeState) => count(all, (node) => node.state === state);
  const gpus = online.flatMap((node) => node.gpus ?? []);
  return {
    total: nodes.length,
    states: { online: online.length, stale: inState('stale'), dead: inState('dead'), gone: inState('gone') },
    healthy: count(online, (node) => healthOf(node) === 'HEALTH_STATE_HEALTHY'),
    degraded: count(online, (node) => healthOf(node) === 'HEALTH_STATE_DEGRADED'),
    unhealthy: count(online, (node) => healthOf(node) === 'HEALTH_STATE_UNHEALTHY'),
    gpus: sum(nodes.map((node) => node.gpu_count ?? node.capabilities?.gpu_count ?? 0)),
    utilization: gpus.length === 0 ? undefined : sum(gpus.map((gpu) => shareOf(gpu.utilization, 100))) / gpus.length,
    loadedModels: sum(online.map((node) => node.loaded_models ?? 0)),
    ...sumCosts(nodes, prices),
    interrupted: count(nodes, ({ interruption }) => interruption !== null),
  };
};
