import { ENVIRONMENT } from '#contract';
import { createEc2Client } from '#shared/aws/ec2-client.ts';
import { createInstances } from '#shared/aws/ec2-instances.ts';
import { createImagesEc2, createLeftoversEc2 } from '#shared/aws/ec2-leftovers.ts';
import { createParameters } from '#shared/aws/parameters.ts';
import { createSecretTags } from '#shared/aws/secret-tags.ts';
import { createDoorPorts } from '#shared/doors/create-ports.ts';
import { requestTeardown } from '#shared/doors/request-teardown.ts';
import { parseEnvironment } from '#shared/environment.ts';
import { createLogger } from '#shared/logging.ts';
import { operationHandler } from '#shared/operation-handler.ts';
import { awaitTermination } from './await-termination.ts';
import { deregisterImage } from './deregister-image.ts';
import type { SweepPorts } from './ports.ts';
import { proveRemoval } from './prove-removal.ts';
import { sweepFleet } from './sweep-fleet.ts';
import { terminateWorker } from './terminate-worker.ts';

const environment = parseEnvironment(ENVIRONMENT.sweep);
const settings = environment.FLEET_SETTINGS;
const doors = createDoorPorts(environment, createLogger('sweep'));
const client = createEc2Client();

const ports: SweepPorts = {
  ...doors,
  settings,
  ec2: {
    ...createInstances(client, settings.region),
    ...createLeftoversEc2(client),
    ...createImagesEc2(client),
  },
  secrets: createSecretTags(),
  parameters: createParameters(),
  startTeardown: async (life) => (await requestTeardown(doors, life)).outcome,
};

export const handler = operationHandler(
  'sweep',
  {
    terminate: (input) => terminateWorker(ports, input),
    terminated: (input) => awaitTermination(ports, input),
    prove: (input) => proveRemoval(ports, input),
    deregister: (input) => deregisterImage(ports, input),
    sweep: (input) => sweepFleet(ports, input),
  },
  doors.log,
);
