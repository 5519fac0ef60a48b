import type { Timestamp } from '@bufbuild/protobuf/wkt';
import { timestampMs } from '@bufbuild/protobuf/wkt';
import {
  HealthState,
  type Interruption,
  type NodeCapabilities,
  type NodeStatus,
  NodeType,
  ServiceState,
  type ServiceStatus,
} from '../../proto/generated/ec2agent/v1/agent_pb.js';
import { plainText } from '../../shared/plain-text.ts';
import {
  Health,
  type InterruptionView,
  NodeKind,
  type NodeView,
  type ResourcesView,
  ServiceStateName,
  type ServiceView,
} from '../views.ts';
import type { StatusPart } from './node.ts';

/** An agent that lost its mind must not fill the memory of the control plane. */
const MOST = { gpus: 16, models: 256, marks: 128, labels: 64, text: 512 } as const;

/** Text of agents as a page, a log and a terminal can show it: one line, and not too long. */
export const clip = (text: string): string => {
  const plain = plainText(text.slice(0, 2 * MOST.text));
  return plain.length > MOST.text ? `${plain.slice(0, MOST.text - 1)}…` : plain;
};

/** Numbers of later protocols have no name here. */
const Kind = NodeKind.catch('NODE_TYPE_UNSPECIFIED');
const HealthName = Health.catch('HEALTH_STATE_UNSPECIFIED');
const ServiceName = ServiceStateName.catch('SERVICE_STATE_UNSPECIFIED');

/** Name of a node's type, as `protojson` writes it. */
export const kindOf = (type: NodeType): NodeKind => Kind.parse(`NODE_TYPE_${NodeType[type]}`);

const LATEST = 8.64e15;

/** RFC 3339, or null where there is no instant or none that a calendar knows. */
export const instant = (at: Timestamp | undefined): string | null => {
  if (at === undefined) return null;
  const milliseconds = timestampMs(at);
  return Math.abs(milliseconds) <= LATEST ? new Date(milliseconds).toISOString() : null;
};

/** NaN and infinities are no JSON. */
const finite = (value: number): number => (Number.isFinite(value) ? value : 0);

const serviceOf = (service: ServiceStatus | undefined): ServiceView | null =>
  service === undefined
    ? null
    : {
        state: ServiceName.parse(`SERVICE_STATE_${ServiceState[service.state]}`),
        message: clip(service.message),
        uptime_seconds: Number(service.uptimeSeconds),
      };

const interruptionOf = (interruption: Interruption | undefined): InterruptionView | null =>
  interruption === undefined
    ? null
    : {
        action: clip(interruption.action),
        time: instant(interruption.time),
        noticed_at: instant(interruption.noticedAt),
      };

const resourcesOf = ({ resources }: NodeStatus): ResourcesView => ({
  cpu_percent: finite(resources?.cpuPercent ?? 0),
  memory_used_mb: Number(resources?.memoryUsedMb ?? 0n),
  memory_total_mb: Number(resources?.memoryTotalMb ?? 0n),
  disk_used_mb: Number(resources?.diskUsedMb ?? 0n),
  disk_total_mb: Number(resources?.diskTotalMb ?? 0n),
});

const gpusOf = ({ gpus }: NodeStatus): StatusPart['gpus'] =>
  gpus.slice(0, MOST.gpus).map((gpu) => ({
    index: gpu.index,
    name: clip(gpu.name),
    memory_used_mb: Number(gpu.memoryUsedMb),
    memory_total_mb: Number(gpu.memoryTotalMb),
    utilization: finite(gpu.utilizationPercent),
    temperature_c: gpu.temperatureC,
  }));

/** A status as the views tell it; what it holds too much of is left out. */
export const statusPart = (status: NodeStatus): StatusPart => ({
  status: {
    health: HealthName.parse(`HEALTH_STATE_${HealthState[status.health]}`),
    uptime_seconds: Number(status.uptimeSeconds),
    idle_seconds: Number(status.idleSeconds),
    timestamp: instant(status.timestamp),
    services: {
      nebula: serviceOf(status.nebula),
      k3s: serviceOf(status.k3s),
      ollama: serviceOf(status.ollama),
      liqo: serviceOf(status.liqo),
    },
  },
  resources: resourcesOf(status),
  gpus: gpusOf(status),
  models: status.loadedModels.slice(0, MOST.models).map((model) => ({
    name: clip(model.name),
    size_bytes: Number(model.sizeBytes),
    currently_loaded: model.currentlyLoaded,
  })),
  timeline: status.bootTimeline.slice(0, MOST.marks).map(({ mark, at }) => ({ mark: clip(mark), at: instant(at) })),
  interruption: interruptionOf(status.interruption),
  busy_with: clip(status.busyWith),
});

export const labelsOf = (labels: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(labels)
      .slice(0, MOST.labels)
      .map(([name, value]) => [clip(name), clip(value)]),
  );

export const capabilitiesOf = (capabilities: NodeCapabilities | undefined): NodeView['capabilities'] =>
  capabilities === undefined
    ? null
    : {
        has_gpu: capabilities.hasGpu,
        gpu_model: clip(capabilities.gpuModel),
        gpu_count: capabilities.gpuCount,
        gpu_memory_mb: Number(capabilities.gpuMemoryMb),
        cpu_cores: capabilities.cpuCores,
        memory_mb: Number(capabilities.memoryMb),
        disk_mb: Number(capabilities.diskMb),
      };
