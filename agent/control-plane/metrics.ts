import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { Fleet } from './fleet/fleet.ts';
import type { AuditEntry } from './store/audit.ts';
import { NodeKind, NodeState } from './views.ts';

/** Every label has a closed set of values: nothing that an agent says becomes one. */
export interface Metrics {
  readonly registry: Registry;
  message(kind: 'status' | 'result' | 'log' | 'empty'): void;
  command(event: AuditEntry['event']): void;
  observation(kind: 'idle' | 'dead'): void;
  request(route: string, method: string, status: number, seconds: number): void;
  watch(sources: { fleet: Fleet; connections: () => number; readers: () => number; storeHealthy: () => boolean }): void;
}

const METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'POST', 'DELETE']);
const BUCKETS = [0.001, 0.005, 0.025, 0.1, 0.5, 2.5];

const countNodes = (fleet: Fleet, gauge: Gauge<'state' | 'type'>): void => {
  gauge.reset();
  for (const state of NodeState.options) for (const type of NodeKind.options) gauge.set({ state, type }, 0);
  for (const { record } of fleet.list()) gauge.inc({ state: record.state, type: record.type });
};

const gauge = (registry: Registry, name: string, help: string, read: () => number): void => {
  new Gauge({
    ...{ name, help, registers: [registry] },
    collect() {
      this.set(read());
    },
  });
};

const watch =
  (registry: Registry): Metrics['watch'] =>
  ({ fleet, connections, readers, storeHealthy }) => {
    new Gauge({
      name: 'carrierarr_nodes',
      help: 'Nodes by state and type',
      labelNames: ['state', 'type'] as const,
      registers: [registry],
      collect() {
        countNodes(fleet, this);
      },
    });
    gauge(registry, 'carrierarr_path_suspect', '1 while all nodes are silent at once', () =>
      fleet.path === 'suspect' ? 1 : 0,
    );
    gauge(registry, 'carrierarr_agent_connections', 'Open connections of agents', connections);
    gauge(registry, 'carrierarr_event_readers', 'Readers of the stream of events', readers);
    gauge(registry, 'carrierarr_store_healthy', '0 while the state cannot be written', () => (storeHealthy() ? 1 : 0));
  };

/** @param processMetrics - memory, processor and event loop too; costs timers, so only programs ask for it */
export const createMetrics = (processMetrics: boolean): Metrics => {
  const registry = new Registry();
  if (processMetrics) collectDefaultMetrics({ register: registry });
  const registers = [registry];
  const counter = <T extends string>(name: string, help: string, labelNames: readonly T[]): Counter<T> =>
    new Counter<T>({ name, help, labelNames, registers });
  const messages = counter('carrierarr_agent_messages_total', 'Messages over streams of agents', ['kind']);
  const commands = counter('carrierarr_command_events_total', 'What became of commands', ['event']);
  const observations = counter('carrierarr_observations_total', 'Idle and dead workers told of', ['kind']);
  const requests = new Histogram({
    name: 'carrierarr_http_request_seconds',
    help: 'Time to the head of an answer',
    labelNames: ['route', 'method', 'status'] as const,
    buckets: BUCKETS,
    registers,
  });
  return {
    registry,
    message: (kind) => messages.inc({ kind }),
    command: (event) => commands.inc({ event }),
    observation: (kind) => observations.inc({ kind }),
    request: (route, method, status, seconds) =>
      requests.observe(
        { route, method: METHODS.has(method) ? method : 'other', status: `${Math.trunc(status / 100)}xx` },
        seconds,
      ),
    watch: watch(registry),
  };
};
