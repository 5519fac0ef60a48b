import { ENVIRONMENT } from '#contract';
import { createEventClient, createPublisher } from '../shared/aws/events.ts';
import { createDoorPorts } from '../shared/doors/create-ports.ts';
import { parseEnvironment } from '../shared/environment.ts';
import { createLogger } from '../shared/logging.ts';
import { observeWorker } from './observe-worker.ts';

const log = createLogger('observe');
const environment = parseEnvironment(ENVIRONMENT.observe);
const ports = {
  ...createDoorPorts(environment, log),
  settings: environment.FLEET_SETTINGS,
  sweepMachine: environment.SWEEP_STATE_MACHINE,
  publish: createPublisher(createEventClient(), environment.EVENT_BUS),
};

export const handler = async (event: unknown): Promise<void> => {
  log.resetKeys();
  try {
    const observed = await observeWorker(ports, event);
    // Most instances that Spot takes back in an account are nobody's here.
    if (observed.action === 'ignored' && observed.name !== undefined) log.warn('observation ignored', { observed });
    else log.info('observed', { observed });
  } catch (error) {
    log.error('observation not dealt with', error as Error);
    throw error;
  }
};
