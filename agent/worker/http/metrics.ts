import type { Registry } from 'prom-client';
import type { NodeStatus } from '../../proto/generated/ec2agent/v1/agent_pb.js';
import { HealthState } from '../../proto/generated/ec2agent/v1/agent_pb.js';
import { VERSION } from '../../shared/version.ts';
import type { Hearing } from '../connection/hearing.ts';
import type { Tally } from '../tally.ts';

export interface Measured {
  readonly hearing: Hearing;
  readonly tally: Tally;
  readonly statuses: { readonly latest: NodeStatus | undefined };
}

type Sample = readonly [labels: Readonly<Record<string, string>>, value: number];
type Read = (measured: Measured) => readonly Sample[];

interface Metric {
  readonly name: string;
  readonly help: string;
  readonly kind: 'gauge' | 'counter';
  readonly labelNames: string[];
  readonly read: Read;
}

const one = (value: number | bigint | undefined): Sample[] => (value === undefined ? [] : [[{}, Number(value)]]);
const mebibytes = (value: bigint | undefined): Sample[] =>
  one(value === undefined ? undefined : Number(value) * 1024 * 1024);
const byGpu = (value: (gpu: NodeStatus['gpus'][number]) => number): Read => {
  return ({ statuses }) =>
    (statuses.latest?.gpus ?? []).map((gpu) => [{ gpu: String(gpu.index), name: gpu.name }, value(gpu)]);
};

const counter = (name: string, help: string, read: (tally: Tally) => number): Metric => {
  return { name, help, kind: 'counter', labelNames: [], read: ({ tally }) => one(read(tally)) };
};
const gauge = (name: string, help: string, read: Read, labelNames: string[] = []): Metric => {
  return { name, help, kind: 'gauge', labelNames, read };
};

const OF_GPU = ['gpu', 'name'];

/** Everything at /metrics. Read at the moment it is asked for, so that nothing is kept up to date for nobody. */
const METRICS: readonly Metric[] = [
  gauge('carrierarr_agent_info', 'Version of the agent.', () => [[{ version: VERSION }, 1]], ['version']),
  gauge('carrierarr_agent_connected', '1 while connected to the control plane.', ({ hearing }) =>
    one(Number(hearing.connected)),
  ),
  gauge('carrierarr_agent_silence_seconds', 'Since the control plane was last heard.', ({ hearing }) =>
    one(hearing.silentSeconds()),
  ),
  gauge('carrierarr_agent_resident_memory_bytes', 'Memory of the agent.', () => one(process.memoryUsage.rss())),
  gauge('carrierarr_agent_start_time_seconds', 'Start of the agent.', () => one(performance.timeOrigin / 1000)),
  counter('carrierarr_agent_connects_total', 'Connections that were accepted.', (tally) => tally.connects),
  counter('carrierarr_agent_losses_total', 'Accepted connections that ended.', (tally) => tally.losses),
  counter('carrierarr_agent_statuses_total', 'Looks at the node.', (tally) => tally.statuses),
  counter('carrierarr_agent_status_failures_total', 'Looks at the node that failed.', (tally) => tally.statusFailures),
  counter('carrierarr_agent_commands_total', 'Commands that were answered.', (tally) => tally.commands),
  counter(
    'carrierarr_agent_command_failures_total',
    'Commands that were answered with a failure.',
    (tally) => tally.commandFailures,
  ),
  counter(
    'carrierarr_agent_results_dropped_total',
    'Results that nobody took in time.',
    (tally) => tally.resultsDropped,
  ),
  gauge('carrierarr_node_healthy', '1 healthy, 0.5 degraded, 0 unhealthy.', ({ statuses }) => {
    const values = { [HealthState.HEALTHY]: 1, [HealthState.DEGRADED]: 0.5, [HealthState.UNHEALTHY]: 0 };
    const health = statuses.latest?.health ?? HealthState.UNSPECIFIED;
    return one(health === HealthState.UNSPECIFIED ? undefined : values[health]);
  }),
  gauge('carrierarr_node_idle_seconds', 'Since the node last did work.', ({ statuses }) =>
    one(statuses.latest?.idleSeconds),
  ),
  gauge('carrierarr_node_uptime_seconds', 'Of the machine.', ({ statuses }) => one(statuses.latest?.uptimeSeconds)),
  gauge('carrierarr_node_cpu_percent', 'Of all cores.', ({ statuses }) => one(statuses.latest?.resources?.cpuPercent)),
  gauge('carrierarr_node_memory_used_bytes', 'Without caches.', ({ statuses }) =>
    mebibytes(statuses.latest?.resources?.memoryUsedMb),
  ),
  gauge('carrierarr_node_memory_total_bytes', 'Of the machine.', ({ statuses }) =>
    mebibytes(statuses.latest?.resources?.memoryTotalMb),
  ),
  gauge('carrierarr_node_disk_used_bytes', 'Of the disk with the models.', ({ statuses }) =>
    mebibytes(statuses.latest?.resources?.diskUsedMb),
  ),
  gauge('carrierarr_node_disk_total_bytes', 'Of the disk with the models.', ({ statuses }) =>
    mebibytes(statuses.latest?.resources?.diskTotalMb),
  ),
  gauge(
    'carrierarr_node_gpu_utilization_percent',
    'Of one GPU.',
    byGpu((gpu) => gpu.utilizationPercent),
    OF_GPU,
  ),
  gauge(
    'carrierarr_node_gpu_memory_used_bytes',
    'Of one GPU.',
    byGpu((gpu) => Number(gpu.memoryUsedMb) * 1024 * 1024),
    OF_GPU,
  ),
  gauge(
    'carrierarr_node_gpu_memory_total_bytes',
    'Of one GPU.',
    byGpu((gpu) => Number(gpu.memoryTotalMb) * 1024 * 1024),
    OF_GPU,
  ),
  gauge(
    'carrierarr_node_gpu_temperature_celsius',
    'Of one GPU.',
    byGpu((gpu) => gpu.temperatureC),
    OF_GPU,
  ),
  gauge(
    'carrierarr_node_model_loaded',
    '1 while the model is in memory, 0 on disk.',
    ({ statuses }) =>
      (statuses.latest?.loadedModels ?? []).map((model) => [{ model: model.name }, Number(model.currentlyLoaded)]),
    ['model'],
  ),
];

/**
 * Makes the registry. Called with the first scrape: prom-client is loaded then, and an agent that nobody scrapes is a
 * megabyte smaller. Its default metrics are left out, since they measure the event loop all the time.
 */
export const createRegistry = async (measured: Measured): Promise<Registry> => {
  const { Counter, Gauge, Registry } = await import('prom-client');
  const registry = new Registry();
  for (const { name, help, kind, labelNames, read } of METRICS) {
    const options = { name, help, labelNames, registers: [registry] };
    if (kind === 'gauge')
      new Gauge({
        ...options,
        collect() {
          this.reset();
          // A reset gauge without labels says 0, which is not the same as nothing.
          if (labelNames.length === 0) this.remove();
          for (const [labels, value] of read(measured)) this.set(labels, value);
        },
      });
    else
      new Counter({
        ...options,
        collect() {
          this.reset();
          for (const [labels, value] of read(measured)) this.inc(labels, value);
        },
      });
  }
  return registry;
};
