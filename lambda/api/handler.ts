import { ENVIRONMENT } from '#contract';
import { createDoorPorts } from '../shared/doors/create-ports.ts';
import { parseEnvironment } from '../shared/environment.ts';
import { createLogger } from '../shared/logging.ts';
import { proxyHandler } from '../shared/proxy.ts';
import { workerRoutes } from './routes.ts';

const log = createLogger('api');

export const handler = proxyHandler(workerRoutes(createDoorPorts(parseEnvironment(ENVIRONMENT.api), log)), log);
