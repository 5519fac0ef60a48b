import { ENVIRONMENT } from '#contract';
import { createDoorPorts } from '../shared/doors/create-ports.ts';
import { parseEnvironment } from '../shared/environment.ts';
import { createLogger } from '../shared/logging.ts';
import { scaleFleet } from './scale-fleet.ts';

const log = createLogger('scale');
const ports = createDoorPorts(parseEnvironment(ENVIRONMENT.scale), log);

export const handler = async (event: unknown): Promise<void> => {
  log.resetKeys();
  try {
    log.info('scaled', { workers: await scaleFleet(ports, event) });
  } catch (error) {
    log.error('scaling failed', error as Error);
    throw error;
  }
};
