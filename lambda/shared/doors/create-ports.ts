import type { FleetSettings } from '#contract';
import { createRegistry } from '../../registry/create-registry.ts';
import type { Registry } from '../../registry/port.ts';
import { createDynamoClient } from '../aws/dynamodb.ts';
import { createExecutions, createStepFunctionsClient } from '../aws/step-functions.ts';
import { systemClock } from '../clock.ts';
import type { Log } from '../logging.ts';
import type { WorkerPorts } from './request-worker.ts';

/** The part of a door's environment that its ports need. */
export interface DoorEnvironment {
  readonly FLEET_SETTINGS: FleetSettings;
  readonly REGISTRY_TABLE: string;
  readonly PROVISION_STATE_MACHINE: string;
  readonly TEARDOWN_STATE_MACHINE: string;
}

export interface DoorPorts extends WorkerPorts {
  readonly registry: Registry;
  readonly log: Log;
}

/** What every door works with, over the real services. */
export const createDoorPorts = (environment: DoorEnvironment, log: Log): DoorPorts => {
  const common = { clock: systemClock, random: Math.random, settings: environment.FLEET_SETTINGS };
  return {
    ...common,
    log,
    registry: createRegistry({ ...common, client: createDynamoClient(), table: environment.REGISTRY_TABLE }),
    executions: createExecutions(createStepFunctionsClient()),
    machines: {
      provision: environment.PROVISION_STATE_MACHINE,
      teardown: environment.TEARDOWN_STATE_MACHINE,
    },
  };
};
