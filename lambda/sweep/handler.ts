import { ENVIRONMENT } from '#contract';
import { parseEnvironment } from '#shared/environment.ts';
import { operationHandler } from '#shared/operation-handler.ts';
import { awaitTermination } from './await-termination.ts';
import { buildSweepPorts } from './build-ports.ts';
import { deregisterImage } from './deregister-image.ts';
import { proveRemoval } from './prove-removal.ts';
import { sweepFleet } from './sweep-fleet.ts';
import { terminateWorker } from './terminate-worker.ts';

const ports = buildSweepPorts(parseEnvironment(ENVIRONMENT.sweep));

export const handler = operationHandler(
  'sweep',
  {
    terminate: (input) => terminateWorker(ports, input),
    terminated: (input) => awaitTermination(ports, input),
    prove: (input) => proveRemoval(ports, input),
    deregister: (input) => deregisterImage(ports, input),
    sweep: (input) => sweepFleet(ports, input),
  },
  ports.log,
);
