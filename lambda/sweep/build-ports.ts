import type { FleetSettings } from '#contract';
import { createEc2Client } from '#shared/aws/ec2-client.ts';
import { createInstances } from '#shared/aws/ec2-instances.ts';
import { createImagesEc2, createLeftoversEc2 } from '#shared/aws/ec2-leftovers.ts';
import { createParameters } from '#shared/aws/parameters.ts';
import { createSecretTags } from '#shared/aws/secret-tags.ts';
import { createDoorPorts, type DoorEnvironment } from '#shared/doors/create-ports.ts';
import { requestTeardown } from '#shared/doors/request-teardown.ts';
import { createLogger } from '#shared/logging.ts';
import type { SweepPorts } from './ports.ts';

/** The capability over the real services; it starts teardowns the way every door does. */
export const buildSweepPorts = (environment: DoorEnvironment): SweepPorts => {
  const settings: FleetSettings = environment.FLEET_SETTINGS;
  const doors = createDoorPorts(environment, createLogger('sweep'));
  const client = createEc2Client();
  return {
    ...doors,
    settings,
    ec2: { ...createInstances(client, settings.region), ...createLeftoversEc2(client), ...createImagesEc2(client) },
    secrets: createSecretTags(),
    parameters: createParameters(),
    startTeardown: async (life, why) => (await requestTeardown(doors, life, why)).outcome,
  };
};
