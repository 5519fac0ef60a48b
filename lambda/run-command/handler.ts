import { ENVIRONMENT } from '#contract';
import { createRegistry } from '../registry/create-registry.ts';
import { createDynamoClient } from '../shared/aws/dynamodb.ts';
import { createRunCommands } from '../shared/aws/ssm.ts';
import { systemClock } from '../shared/clock.ts';
import { parseEnvironment } from '../shared/environment.ts';
import { createLogger } from '../shared/logging.ts';
import { operationHandler } from '../shared/operation-handler.ts';
import { createColdStartTeller } from './cold-start-metrics.ts';
import { runCommandOperations } from './operations.ts';

const { FLEET_SETTINGS: settings, REGISTRY_TABLE: table } = parseEnvironment(ENVIRONMENT['run-command']);
const registry = createRegistry({
  client: createDynamoClient(),
  table,
  clock: systemClock,
  random: Math.random,
  settings,
});

const log = createLogger('run-command');
const tell = createColdStartTeller({ log, now: () => systemClock.now(), settings });

export const handler = operationHandler(
  'run-command',
  runCommandOperations({ commands: createRunCommands(), registry, clock: systemClock, tell }, settings),
  log,
);
