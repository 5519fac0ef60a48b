import { ENVIRONMENT } from '#contract';
import { createDynamoClient } from '../shared/aws/dynamodb.ts';
import { createEventClient, createPublisher } from '../shared/aws/events.ts';
import { systemClock } from '../shared/clock.ts';
import { parseEnvironment } from '../shared/environment.ts';
import { createLogger } from '../shared/logging.ts';
import { operationHandler } from '../shared/operation-handler.ts';
import { createAnnouncer } from './announce-worker.ts';
import { createRegistry } from './create-registry.ts';
import { registryOperations } from './operations.ts';

const environment = parseEnvironment(ENVIRONMENT.registry);
const settings = environment.FLEET_SETTINGS;
const log = createLogger('registry');
const common = { clock: systemClock, random: Math.random, settings };

export const handler = operationHandler(
  'registry',
  registryOperations({
    ...common,
    registry: createRegistry({ ...common, client: createDynamoClient(), table: environment.REGISTRY_TABLE }),
    announce: createAnnouncer(createPublisher(createEventClient(), environment.EVENT_BUS), log),
  }),
  log,
);
