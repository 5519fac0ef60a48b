import { ENVIRONMENT } from '#contract';
import { createDynamoClient } from '#shared/aws/dynamodb.ts';
import { createEc2Client, createLaunchClient } from '#shared/aws/ec2-client.ts';
import { createInstances } from '#shared/aws/ec2-instances.ts';
import { createLaunchEc2 } from '#shared/aws/ec2-launch.ts';
import { createSecretTags } from '#shared/aws/secret-tags.ts';
import { systemClock } from '#shared/clock.ts';
import { parseEnvironment } from '#shared/environment.ts';
import { createLogger } from '#shared/logging.ts';
import { operationHandler } from '#shared/operation-handler.ts';
import { createRegistry } from '../registry/create-registry.ts';
import { launchWorker } from './launch-worker.ts';
import type { LaunchPorts } from './ports.ts';

const environment = parseEnvironment(ENVIRONMENT.launch);
const settings = environment.FLEET_SETTINGS;
const log = createLogger('launch');
const client = createEc2Client();

const ports: LaunchPorts = {
  ec2: { ...createLaunchEc2(client, createLaunchClient()), ...createInstances(client, settings.region) },
  secrets: createSecretTags(),
  registry: createRegistry({
    client: createDynamoClient(),
    table: environment.REGISTRY_TABLE,
    clock: systemClock,
    random: Math.random,
    settings,
  }),
  clock: systemClock,
  log,
  settings,
  launchTemplates: environment.LAUNCH_TEMPLATES,
};

export const handler = operationHandler('launch', { launch: (input) => launchWorker(ports, input) }, log);
