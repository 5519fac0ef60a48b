import { create } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import {
  type FleetStatusRequest,
  type FleetStatusResponse,
  FleetStatusResponseSchema,
  HealthState,
  type NodeSummary,
  NodeSummarySchema,
  NodeType,
} from '../../proto/generated/ec2agent/v1/agent_pb.js';
import type { PathState, StatsView } from '../views.ts';
import { healthOf, isHealthy, type LiveNode } from './node.ts';

const withoutPrefix = (name: string, prefix: string): string => name.slice(prefix.length);

const typeOf = ({ record }: LiveNode): NodeType =>
  NodeType[withoutPrefix(record.type, 'NODE_TYPE_') as keyof typeof NodeType];
const stateOfHealth = ({ record }: LiveNode): HealthState =>
  HealthState[withoutPrefix(healthOf(record), 'HEALTH_STATE_') as keyof typeof HealthState];

const percent = (part: number, whole: number): number => (whole > 0 ? (100 * part) / whole : 0);

const toSummary = (node: LiveNode): NodeSummary => {
  const { record } = node;
  const resources = record.status?.resources;
  return create(NodeSummarySchema, {
    nodeId: record.id,
    nodeType: typeOf(node),
    health: stateOfHealth(node),
    nebulaIp: record.nebulaIp,
    instanceId: record.instanceId,
    connected: node.connected,
    lastSeen: timestampFromMs(record.lastSeen),
    uptimeSeconds: BigInt(Math.trunc(record.status?.status.uptime_seconds ?? 0)),
    idleSeconds: BigInt(Math.trunc(record.status?.status.idle_seconds ?? 0)),
    cpuPercent: resources?.cpu_percent ?? 0,
    memoryPercent: percent(resources?.memory_used_mb ?? 0, resources?.memory_total_mb ?? 0),
    gpuCount: record.status?.gpus.length ?? 0,
    loadedModels: record.status?.models.length ?? 0,
    worker: record.worker,
    state: record.state,
  });
};

/** Nodes that are over do not count: they are shown for a day, no more. */
const counts = (nodes: readonly LiveNode[]) => {
  const alive = nodes.filter(({ record }) => record.state !== 'gone');
  const gpu = alive.filter(({ record }) => record.type === 'NODE_TYPE_GPU_WORKER');
  return {
    total: alive.length,
    healthy: alive.filter(isHealthy).length,
    unhealthy: alive.filter((node) => node.connected && !isHealthy(node)).length,
    gpu: gpu.length,
    gpus: gpu.reduce((sum, { record }) => sum + (record.capabilities?.gpu_count ?? 0), 0),
  };
};

/** Known control planes count what the filter leaves, so does ours. */
export const toFleetStatus = (
  nodes: readonly LiveNode[],
  filter: Pick<FleetStatusRequest, 'nodeType' | 'health'>,
): FleetStatusResponse => {
  const asked = nodes.filter(
    (node) =>
      (filter.nodeType === NodeType.UNSPECIFIED || filter.nodeType === typeOf(node)) &&
      (filter.health === HealthState.UNSPECIFIED || filter.health === stateOfHealth(node)),
  );
  const { total, healthy, unhealthy, gpu, gpus } = counts(asked);
  return create(FleetStatusResponseSchema, {
    nodes: asked.map(toSummary),
    summary: {
      totalNodes: total,
      healthyNodes: healthy,
      unhealthyNodes: unhealthy,
      gpuNodes: gpu,
      totalGpus: gpus,
    },
  });
};

export const toStats = (nodes: readonly LiveNode[], path: PathState): StatsView => {
  const { total, healthy, unhealthy, gpu, gpus } = counts(nodes);
  const inState = (state: string): number => nodes.filter(({ record }) => record.state === state).length;
  return {
    total_nodes: total,
    healthy_nodes: healthy,
    unhealthy_nodes: unhealthy,
    gpu_nodes: gpu,
    total_gpus: gpus,
    connected: nodes.filter(({ connected }) => connected).length,
    stale_nodes: inState('stale'),
    dead_nodes: inState('dead'),
    path,
  };
};
