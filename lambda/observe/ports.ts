import type { FleetSettings } from '#contract';
import type { Registry } from '../registry/port.ts';
import type { PublishEvent } from '../shared/aws/events.ts';
import type { Executions } from '../shared/doors/executions.ts';
import type { TeardownPorts } from '../shared/doors/request-teardown.ts';

/** Everything the capability uses. */
export interface ObservePorts extends TeardownPorts {
  readonly registry: Pick<Registry, 'find' | 'list' | 'nextTeardownAttempt' | 'noteIdle' | 'noteDead'>;
  readonly executions: Pick<Executions, 'start'>;
  /** ARN of the sweep machine. */
  readonly sweepMachine: string;
  readonly publish: PublishEvent;
  readonly settings: Pick<FleetSettings, 'fleet' | 'agent'>;
}

/** What came of an observation, and why. */
export interface Observed {
  /** `earlier`: this one, or a later one, was dealt with already. */
  readonly action: 'ignored' | 'earlier' | 'noted' | 'warned' | 'teardown' | 'sweep';
  readonly reason: string;
  readonly name?: string;
  readonly execution?: string;
}
