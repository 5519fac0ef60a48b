import type { MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromDate, timestampFromMs } from '@bufbuild/protobuf/wkt';
import type { NodeStatusSchema } from '../../proto/generated/ec2agent/v1/agent_pb.js';
import type { Settings } from '../ports.ts';
import type { Facts } from './collect.ts';
import { healthOf } from './health.ts';
import type { Idleness } from './idle.ts';
import { confirmOllama } from './services.ts';

export type StatusInit = MessageInitShape<typeof NodeStatusSchema>;

const whole = (value: number | undefined): bigint => BigInt(Math.max(0, Math.round(value ?? 0)));

const resources = ({ cpu, memory, disk }: Facts) => ({
  cpuPercent: cpu?.percent ?? 0,
  memoryUsedMb: whole(memory?.usedMb),
  memoryTotalMb: whole(memory?.totalMb),
  diskUsedMb: whole(disk?.used),
  diskTotalMb: whole(disk?.total),
});

const graphics = ({ gpus }: Facts) =>
  (gpus.kind === 'known' ? gpus.gpus : []).map((gpu) => ({
    index: gpu.index,
    name: gpu.name,
    memoryUsedMb: whole(gpu.memoryUsedMb),
    memoryTotalMb: whole(gpu.memoryTotalMb),
    utilizationPercent: gpu.utilizationPercent ?? 0,
    temperatureC: Math.round(gpu.temperatureC ?? 0),
  }));

const models = ({ models: found }: Facts) =>
  (found?.models ?? []).map(({ name, sizeBytes, loaded }) => ({
    name,
    sizeBytes: BigInt(sizeBytes),
    currentlyLoaded: loaded,
  }));

const notice = ({ interruption }: Facts) =>
  interruption === undefined
    ? {}
    : {
        interruption: {
          action: interruption.action,
          time: timestampFromMs(interruption.time),
          ...(interruption.noticedAt === undefined ? {} : { noticedAt: timestampFromMs(interruption.noticedAt) }),
        },
      };

/** The look in the words of the wire. */
export const statusMessage = (settings: Settings, facts: Facts, idleness: Idleness, now: Date): StatusInit => {
  const { nebula, k3s } = facts.services;
  const ollama = confirmOllama(facts.services.ollama, facts.models !== undefined || settings.nodeType === 'lighthouse');
  const { liqo, gpus } = facts;
  return {
    nodeId: settings.nodeId,
    timestamp: timestampFromDate(now),
    nebula,
    k3s,
    ollama,
    liqo,
    resources: resources(facts),
    gpus: graphics(facts),
    loadedModels: models(facts),
    uptimeSeconds: BigInt(Math.floor(facts.uptime ?? 0)),
    idleSeconds: BigInt(idleness.idleSeconds),
    health: healthOf(settings.nodeType, { nebula, k3s, ollama, liqo, gpus }),
    bootTimeline: facts.timeline.map(({ mark, at }) => ({ mark, at: timestampFromMs(at) })),
    ...notice(facts),
    busyWith: idleness.busyWith,
  };
};
