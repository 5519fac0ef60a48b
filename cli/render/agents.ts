import type { WorkerView } from '#contract';
import type { NodeSummaryView, NodeView } from '../../agent/control-plane/views.ts';
import { plainText } from '../../agent/shared/plain-text.ts';
import { formatAge } from './duration.ts';
import type { Style } from './output.ts';
import type { Column } from './table.ts';

/** A worker with what its agent reports. */
export interface Reported {
  readonly worker: WorkerView;
  readonly agent: NodeSummaryView | NodeView | undefined;
}

const SECOND = 1000;

/** `HEALTH_STATE_DEGRADED` as people say it; nothing where all is well or nothing is known. */
const troubleOf = ({ health }: NodeSummaryView): string =>
  health === undefined || /_(UNSPECIFIED|HEALTHY)$/.test(health) ? '' : health.replace(/^.*_/, '').toLowerCase();

const silentFor = ({ last_seen }: NodeSummaryView, now: Date): string =>
  formatAge(Math.max(0, now.getTime() - Date.parse(last_seen)));

const stateOf = (agent: NodeSummaryView, now: Date): string =>
  agent.state === 'online' ? troubleOf(agent) || 'online' : `${agent.state} ${silentFor(agent, now)}`;

const styleOf = (agent: NodeSummaryView): Style => {
  if (agent.state === 'dead' || /_UNHEALTHY$/.test(agent.health ?? '')) return 'red';
  return agent.state === 'online' && troubleOf(agent) === '' ? 'green' : 'yellow';
};

const idleFor = ({ idle_seconds }: NodeSummaryView): string =>
  idle_seconds === undefined || idle_seconds <= 0 ? '' : formatAge(idle_seconds * SECOND);

const count = (value: number | undefined): string => (value === undefined ? '' : String(value));

/** What stands beside the columns of the registry where the control plane was asked. */
export const agentColumns = (now: Date): Column<Reported>[] => [
  {
    title: 'AGENT',
    // A worker in service whose agent nobody has heard of deserves a word.
    value: ({ agent, worker }) => (agent ? stateOf(agent, now) : worker.phase === 'READY' ? 'unheard' : ''),
    style: ({ agent, worker }) => (agent ? styleOf(agent) : worker.phase === 'READY' ? 'yellow' : undefined),
  },
  { title: 'GPU', value: ({ agent }) => count(agent?.gpu_count) },
  { title: 'MODELS', value: ({ agent }) => count(agent?.loaded_models) },
  { title: 'IDLE', value: ({ agent }) => (agent ? idleFor(agent) : '') },
];

const lower = (name: string): string =>
  name
    .replace(/^[A-Z]+_STATE_/, '')
    .toLowerCase()
    .replaceAll('_', ' ');

const servicesOf = ({ status }: NodeView): string =>
  Object.entries(status?.services ?? {})
    .flatMap(([name, service]) => (service === null ? [] : `${name} ${lower(service.state)}`))
    .join(', ');

const gpusOf = ({ gpus = [] }: NodeView): string =>
  gpus
    .map(
      ({ name, utilization, memory_used_mb, memory_total_mb, temperature_c }) =>
        `${name} ${Math.round(utilization)} %, ${memory_used_mb} of ${memory_total_mb} MB, ${temperature_c} °C`,
    )
    .join('; ');

const modelsOf = ({ models = [] }: NodeView): string =>
  models.map(({ name, currently_loaded }) => (currently_loaded ? `${name} (loaded)` : name)).join(', ');

const interruptionOf = ({ interruption }: NodeSummaryView): string =>
  interruption === null
    ? ''
    : `Spot will ${interruption.action} it${interruption.time ? ` at ${interruption.time}` : ''}`;

const fieldsOf = (agent: NodeSummaryView | NodeView, now: Date): [string, string][] => [
  [
    'agent',
    [stateOf(agent, now), `heard ${silentFor(agent, now)} ago`, agent.agent_version].filter(Boolean).join(', '),
  ],
  ['busy with', agent.busy_with],
  ['interruption', interruptionOf(agent)],
  ['idle for', idleFor(agent)],
  ...('timeline' in agent
    ? ([
        ['services', servicesOf(agent)],
        ['gpus', gpusOf(agent)],
        ['models', modelsOf(agent)],
      ] satisfies [string, string][])
    : []),
];

/**
 * All that a worker's agent reports, one field a line; a summary knows the first lines of it. A node chose the words: none
 * of them steers the terminal.
 */
export const agentFields = (agent: NodeSummaryView | NodeView, now: Date): [string, string][] =>
  fieldsOf(agent, now).map(([name, value]) => [name, plainText(value)]);
