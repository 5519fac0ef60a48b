import type { FleetSettings } from '#contract';
import type { Registry } from '../../lambda/registry/port.ts';
import type { WorkerPorts } from '../../lambda/shared/doors/request-worker.ts';
import type { Log } from '../../lambda/shared/logging.ts';
import { fleetSettings } from '../support/fleet-settings.ts';
import { createMemoryExecutions, type MemoryExecutions } from './memory-executions.ts';
import { createManualClock, createMemoryRegistry, type ManualClock, MESH } from './memory-registry.ts';
import { PROVISION_MACHINE, TEARDOWN_MACHINE } from './registry-builders.ts';

/** A whole fleet's settings. */
export const SETTINGS: FleetSettings = fleetSettings({ mesh: MESH });
export const ROLES: FleetSettings['roles'] = SETTINGS.roles;

/** Collects what is logged. */
export const createMemoryLog = (): Log & { readonly lines: { level: string; text: string; extra: unknown }[] } => {
  const lines: { level: string; text: string; extra: unknown }[] = [];
  const at =
    (level: string): Log['info'] =>
    (text, ...extra) => {
      lines.push({ level, text: String(text), extra: extra[0] });
    };
  return {
    lines,
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    debug: at('debug'),
    appendKeys: () => undefined,
    resetKeys: () => undefined,
  };
};

export interface MemoryDoors extends WorkerPorts {
  readonly registry: Registry;
  readonly executions: MemoryExecutions;
  readonly clock: ManualClock;
  readonly log: ReturnType<typeof createMemoryLog>;
}

/** The ports of every door, over a registry and Step Functions in memory. */
export const createMemoryDoors = (overrides: Partial<MemoryDoors> = {}): MemoryDoors => {
  const clock = createManualClock();
  return {
    clock,
    registry: createMemoryRegistry({ clock }),
    executions: createMemoryExecutions(),
    machines: { provision: PROVISION_MACHINE, teardown: TEARDOWN_MACHINE },
    settings: { roles: ROLES, cluster: SETTINGS.cluster },
    random: Math.random,
    log: createMemoryLog(),
    ...overrides,
  };
};
