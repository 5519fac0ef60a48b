import { ENVIRONMENT } from '#contract';
import { createDoorPorts } from '../shared/doors/create-ports.ts';
import { parseEnvironment } from '../shared/environment.ts';
import { createLogger } from '../shared/logging.ts';
import { rescueWorker } from './rescue-worker.ts';

const log = createLogger('rescue');
const ports = createDoorPorts(parseEnvironment(ENVIRONMENT.rescue), log);

export const handler = async (event: unknown): Promise<void> => {
  log.resetKeys();
  try {
    const rescue = await rescueWorker(ports, event);
    if (rescue.action === 'gave-up') log.error('worker left to the sweep', { rescue });
    else log.info('execution looked after', { rescue });
  } catch (error) {
    log.error('rescue failed', error as Error);
    throw error;
  }
};
