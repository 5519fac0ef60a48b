import { createRegistryOver } from '../../lambda/registry/create-registry.ts';
import type { Registry } from '../../lambda/registry/port.ts';
import type { Clock } from '../../lambda/shared/clock.ts';
import { fleetSettings } from '../support/fleet-settings.ts';
import { createMemoryStore, type MemoryStore } from './memory-store.ts';

/** A clock that stands still until it is told to go on; sleeping takes no time. */
export interface ManualClock extends Clock {
  advance(milliseconds: number): void;
}

export const createManualClock = (start = '2026-11-21T10:00:00.000Z'): ManualClock => {
  let now = Date.parse(start);
  return {
    now: () => new Date(now),
    sleep: async () => {
      await new Promise<void>((resolve) => setImmediate(resolve));
    },
    advance: (milliseconds) => {
      now += milliseconds;
    },
  };
};

export const MESH = fleetSettings().mesh;

export interface MemoryRegistryOptions {
  readonly clock?: Clock;
  readonly random?: () => number;
  readonly store?: MemoryStore;
  readonly mesh?: Partial<typeof MESH>;
}

/** The registry's own rules over a table in memory: behaves as in production, without a network. */
export const createMemoryRegistry = (options: MemoryRegistryOptions = {}): Registry =>
  createRegistryOver({
    store: options.store ?? createMemoryStore(),
    clock: options.clock ?? createManualClock(),
    random: options.random ?? Math.random,
    settings: { mesh: { ...MESH, ...options.mesh } },
  });
