import type { NodeSummaryView, NodeView } from '../views.ts';
import type { LiveNode } from './node.ts';

const time = (milliseconds: number): string => new Date(milliseconds).toISOString();

/** A node in the list: what known control planes say, and ours beside it. */
export const toSummaryView = ({ record, connected, stream }: LiveNode): NodeSummaryView => ({
  id: record.id,
  type: record.type,
  instance_id: record.instanceId,
  nebula_ip: record.nebulaIp,
  public_ip: record.publicIp,
  connected,
  last_seen: time(record.lastSeen),
  stream_active: stream !== undefined,
  worker: record.worker,
  state: record.state,
  region: record.region,
  az: record.az,
  instance_type: record.instanceType,
  market: record.market,
  fleet: record.fleet,
  generation: record.generation,
  agent_version: record.agentVersion,
  busy_with: record.status?.busy_with ?? '',
  interruption: record.status?.interruption ?? null,
  ...(record.status === undefined
    ? {}
    : {
        health: record.status.status.health,
        uptime_seconds: record.status.status.uptime_seconds,
        idle_seconds: record.status.status.idle_seconds,
        gpu_count: record.status.gpus.length,
        loaded_models: record.status.models.length,
      }),
});

/** A node in full. */
export const toNodeView = (node: LiveNode): NodeView => {
  const { record } = node;
  return {
    ...toSummaryView(node),
    labels: { ...record.labels },
    capabilities: record.capabilities,
    connected_at: time(record.connectedAt),
    registered_at: time(record.registeredAt),
    timeline: record.status?.timeline ?? [],
    ...(record.status === undefined
      ? {}
      : {
          status: record.status.status,
          resources: record.status.resources,
          gpus: record.status.gpus,
          models: record.status.models,
        }),
  };
};
