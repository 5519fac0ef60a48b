import type { MessageInitShape } from '@bufbuild/protobuf';
import type { ServiceStatusSchema } from '../../proto/generated/ec2agent/v1/agent_pb.js';
import { ServiceState } from '../../proto/generated/ec2agent/v1/agent_pb.js';

export type ServiceStatusInit = MessageInitShape<typeof ServiceStatusSchema>;

/** What systemd says of one unit. */
export type UnitFacts = Readonly<Record<string, string>>;

const PROPERTIES = [
  'Id',
  'LoadState',
  'ActiveState',
  'SubState',
  'Result',
  'NRestarts',
  'ConditionResult',
  'ConditionTimestampMonotonic',
  'ActiveEnterTimestampMonotonic',
];

/** One call for all units: a process costs more than what it asks. */
export const unitsCommand = (names: readonly string[]): string[] => [
  'systemctl',
  'show',
  `--property=${PROPERTIES.join(',')}`,
  ...names.map((name) => `${name}.service`),
];

/** Reads what `systemctl show` prints: a block of `Key=value` lines for each unit, a blank line between them. */
export const parseUnits = (text: string): ReadonlyMap<string, UnitFacts> => {
  const units = new Map<string, UnitFacts>();
  for (const block of text.split(/\n\s*\n/)) {
    const facts: Record<string, string> = {};
    for (const line of block.split('\n')) {
      const cut = line.indexOf('=');
      if (cut > 0) facts[line.slice(0, cut)] = line.slice(cut + 1).trim();
    }
    if (facts.Id !== undefined) units.set(facts.Id.replace(/\.service$/, ''), facts);
  }
  return units;
};

/** Whether this machine has the unit at all. */
export const isInstalled = (unit: UnitFacts | undefined): boolean =>
  unit?.LoadState !== undefined && unit.LoadState !== 'not-found';

const STATES: Readonly<Record<string, ServiceState>> = {
  active: ServiceState.RUNNING,
  reloading: ServiceState.RUNNING,
  refreshing: ServiceState.RUNNING,
  activating: ServiceState.STARTING,
  deactivating: ServiceState.STOPPED,
  inactive: ServiceState.STOPPED,
  maintenance: ServiceState.STOPPED,
  failed: ServiceState.ERROR,
};

// systemd calls a service that has died and waits for its next start `activating`: it is down all the same.
const isComingBack = (unit: UnitFacts): boolean =>
  unit.ActiveState === 'activating' && unit.SubState === 'auto-restart';

const stateOf = (unit: UnitFacts): ServiceState => {
  if (unit.LoadState === 'masked') return ServiceState.STOPPED;
  if (unit.LoadState !== 'loaded') return ServiceState.ERROR;
  if (isComingBack(unit)) return ServiceState.ERROR;
  return STATES[unit.ActiveState ?? ''] ?? ServiceState.UNSPECIFIED;
};

const wasRefused = (unit: UnitFacts): boolean =>
  unit.ConditionResult === 'no' && !['', '0', undefined].includes(unit.ConditionTimestampMonotonic);

const messageOf = (unit: UnitFacts, state: ServiceState): string => {
  if (unit.LoadState !== 'loaded') return `unit is ${unit.LoadState ?? 'unknown'}`;
  const restarts = Number(unit.NRestarts ?? 0);
  const words = [`${unit.ActiveState ?? 'unknown'} (${unit.SubState ?? 'unknown'})`];
  if (state !== ServiceState.RUNNING && unit.Result !== 'success') words.push(`result ${unit.Result ?? 'unknown'}`);
  if (state === ServiceState.STOPPED && wasRefused(unit)) words.push('a condition of its unit is not met');
  if (restarts > 0) words.push(`${restarts} restarts`);
  return words.join(', ');
};

/**
 * A unit's state in the words of the wire.
 * @param upSeconds - seconds since the machine started, on the clock of systemd's timestamps
 */
export const unitStatus = (unit: UnitFacts | undefined, upSeconds: number | undefined): ServiceStatusInit => {
  if (unit === undefined || unit.LoadState === undefined) return unknownService('systemd says nothing of it');
  if (!isInstalled(unit)) return { state: ServiceState.NOT_INSTALLED, message: 'no such unit' };
  const state = stateOf(unit);
  const since = Number(unit.ActiveEnterTimestampMonotonic ?? 0) / 1e6;
  const up = state === ServiceState.RUNNING && upSeconds !== undefined && since > 0 ? upSeconds - since : 0;
  return { state, message: messageOf(unit, state), uptimeSeconds: BigInt(Math.max(0, Math.floor(up))) };
};

/** For what could not be found out. */
export const unknownService = (message: string): ServiceStatusInit => ({
  state: ServiceState.UNSPECIFIED,
  message: `unknown: ${message}`,
});
