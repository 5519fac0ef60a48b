import { ENVIRONMENT } from '#contract';
import { createRegistry } from '../registry/create-registry.ts';
import { createDynamoClient } from '../shared/aws/dynamodb.ts';
import { createRunCommands } from '../shared/aws/ssm.ts';
import { systemClock } from '../shared/clock.ts';
import { parseEnvironment } from '../shared/environment.ts';
import { createLogger } from '../shared/logging.ts';
import { operationHandler } from '../shared/operation-handler.ts';
import { homelabOperations } from './operations.ts';

const environment = parseEnvironment(ENVIRONMENT.homelab);
const { FLEET_SETTINGS: settings, REGISTRY_TABLE: table, MANAGED_INSTANCE_ARN: arnPrefix } = environment;
const clock = systemClock;
const registry = createRegistry({ client: createDynamoClient(), table, clock, random: Math.random, settings });

export const handler = operationHandler(
  'homelab',
  homelabOperations({ commands: createRunCommands(), registry, clock, arnPrefix }, settings),
  createLogger('homelab'),
);
