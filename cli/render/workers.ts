import * as z from 'zod';
import type { ColdStartStage, WorkerView } from '#contract';
import { formatAge, formatElapsed, formatRemaining } from './duration.ts';
import { type Output, paint, type Style } from './output.ts';
import type { Column } from './table.ts';

const DAY = 86_400_000;

/** Phases in the colours of a traffic light: there, on the way, going or gone wrong. */
const phaseStyle = ({ phase, failure }: WorkerView): Style => {
  if (failure !== null) return 'red';
  if (phase === 'READY') return 'green';
  return phase === 'REMOVED' ? 'dim' : 'yellow';
};

/** Renewal happens from half of the life on, so less than a day is late for a certificate of seven. */
const expiryStyle = ({ phase, certificateNotAfter }: WorkerView, now: Date): Style | undefined =>
  phase !== 'REMOVED' && certificateNotAfter !== null && new Date(certificateNotAfter).getTime() - now.getTime() < DAY
    ? 'red'
    : undefined;

const expiry = ({ phase, certificateNotAfter }: WorkerView, now: Date): string => {
  if (certificateNotAfter === null) return '';
  return phase === 'REMOVED' ? 'revoked' : formatRemaining(new Date(certificateNotAfter), now);
};

const age = ({ reservedAt }: WorkerView, now: Date): string =>
  formatAge(now.getTime() - new Date(reservedAt).getTime());

const Quantities = z.record(z.string(), z.union([z.string(), z.number()]));

/** What the details say of the virtual node by which the homelab sees this cluster; other text is left out. */
const capacityOf = ({ details }: WorkerView): Readonly<Record<string, string | number>> => {
  try {
    return Quantities.parse(JSON.parse(details.capacity ?? '{}'));
  } catch {
    return {};
  }
};

const GPU = 'nvidia.com/gpu';
const UNITS: readonly [resource: string, unit: string][] = [
  ['cpu', ' CPU'],
  ['memory', ''],
  [GPU, ' GPU'],
];

/** What a worker offers: its own GPUs, or those of its cluster that the homelab may use through the virtual node. */
const offer = (worker: WorkerView): string => {
  const { gpu = '' } = worker.details;
  const own: Readonly<Record<string, string | number>> = ['', '0'].includes(gpu) ? {} : { [GPU]: gpu };
  const quantities = { ...own, ...capacityOf(worker) };
  return UNITS.flatMap(([resource, unit]) => {
    const quantity = quantities[resource];
    return quantity === undefined ? [] : `${quantity}${unit}`;
  }).join(', ');
};

const SECOND = 1000;

const tookFor = ({ coldStart }: WorkerView, stage: ColdStartStage): string => {
  const seconds = coldStart?.stages[stage];
  return seconds === undefined ? '' : formatElapsed(seconds * SECOND);
};

const STAGES: readonly [stage: ColdStartStage, title: string][] = [
  ['instanceStart', 'instance start'],
  ['systemStart', 'system start'],
  ['install', 'installation'],
  ['configAndSecrets', 'config and secrets'],
  ['mesh', 'mesh'],
  ['k3s', 'k3s'],
];

const named = (worker: WorkerView, titles: readonly [ColdStartStage, string][]): string =>
  titles
    .map(([stage, title]) => [title, tookFor(worker, stage)])
    .filter(([, took]) => took !== '')
    .map((words) => words.join(' '))
    .join(', ');

/** `boot 34.1s, in service 5m 02s (instance start 17.0s, …)`: the sums first, what they are made of behind. */
const coldStart = (worker: WorkerView): string => {
  const sums = named(worker, [
    ['boot', 'boot'],
    ['inService', 'in service'],
  ]);
  const parts = named(worker, STAGES);
  return sums === '' || parts === '' ? sums + parts : `${sums} (${parts})`;
};

export const fleetColumns = (now: Date): Column<WorkerView>[] => [
  { title: 'NAME', value: ({ name }) => name, style: () => 'bold' },
  { title: 'ROLE', value: ({ role }) => role },
  { title: 'PHASE', value: ({ phase, failure }) => (failure === null ? phase : `${phase}!`), style: phaseStyle },
  { title: 'CLUSTER', value: ({ cluster }) => cluster },
  { title: 'OFFERS', value: (worker) => (worker.phase === 'REMOVED' ? '' : offer(worker)) },
  { title: 'ADDRESS', value: ({ address }) => address },
  { title: 'INSTANCE', value: ({ instanceId }) => instanceId ?? '' },
  {
    title: 'TYPE/MARKET',
    value: ({ instanceType, market }) => [instanceType, market].filter((part) => part !== null).join('/'),
  },
  { title: 'BOOT', value: (worker) => tookFor(worker, 'boot') },
  { title: 'AGE', value: (worker) => age(worker, now) },
  {
    title: 'CERTIFICATE ENDS',
    value: (worker) => expiry(worker, now),
    style: (worker) => expiryStyle(worker, now),
  },
];

/** What the control plane has told AWS of the agent: it tells of idle and of dead ones only. */
const heardInAws = ({ agentHealth }: WorkerView): string => {
  if (agentHealth === null) return '';
  const { state, observedAt, lastSeen } = agentHealth;
  return `${state} as of ${observedAt}${lastSeen === undefined ? '' : `, last heard at ${lastSeen}`}`;
};

const idleness = ({ phase, idle }: WorkerView): string => {
  if (idle === null || phase !== 'READY') return '';
  const end = idle.teardownAt === undefined ? '' : `; to be torn down at ${idle.teardownAt} unless it gets work`;
  return `since ${idle.since}, as of ${idle.observedAt}${end}`;
};

const removal = ({ removal: why }: WorkerView): string =>
  why === null ? '' : `${why.reason}: ${why.text} (${why.at})`;

/**
 * Everything about one worker, one field a line.
 * @param reported - what its agent says, behind what the registry knows
 */
export const workerDetails = (
  worker: WorkerView,
  output: Output,
  now: Date,
  reported: readonly [string, string][] = [],
): string => {
  const { failure } = worker;
  const fields: [string, string][] = [
    ['role', worker.role],
    ['phase', paint(output, phaseStyle(worker), worker.phase)],
    ['cluster', worker.cluster],
    ['node', worker.details.node ?? ''],
    ['virtual node', worker.details.virtualNode ?? ''],
    ['offers', offer(worker)],
    ['address', worker.address],
    ['public ip', worker.publicIp ?? ''],
    ['instance', worker.instanceId ?? ''],
    ['type', [worker.instanceType, worker.market].filter((part) => part !== null).join(', ')],
    ['zone', worker.availabilityZone ?? ''],
    ['cold start', coldStart(worker)],
    ['age', `${age(worker, now)} (since ${worker.reservedAt})`],
    ['changed', worker.updatedAt],
    ['certificate', worker.certificateFingerprint ?? ''],
    ['ends', worker.certificateNotAfter === null ? '' : `${expiry(worker, now)} (${worker.certificateNotAfter})`],
    ['told to AWS', heardInAws(worker)],
    ['idle', idleness(worker)],
    ['generation', worker.generation],
    ['execution', worker.execution],
    ['failure', failure === null ? '' : paint(output, 'red', `${failure.error}: ${failure.cause}`)],
    ['removal', removal(worker)],
    ...reported,
  ];
  const lines = fields.filter(([, value]) => value !== '').map(([key, value]) => `  ${key.padEnd(12)} ${value}\n`);
  return `${paint(output, 'bold', worker.name)}\n${lines.join('')}`;
};
