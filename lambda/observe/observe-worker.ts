import * as z from 'zod';
import { EVENT, SPOT_WARNING, WorkerObservation } from '#contract';
import { parseInput } from '../shared/input.ts';
import { hearOfDead } from './hear-of-dead.ts';
import { hearOfIdle } from './hear-of-idle.ts';
import { hearOfInterruption } from './hear-of-interruption.ts';
import type { Observed, ObservePorts } from './ports.ts';

const homelab = { source: z.literal(EVENT.homelabSource) };
const ObservationEvent = z.discriminatedUnion('detail-type', [
  z.looseObject({
    ...homelab,
    'detail-type': z.literal(EVENT.workerIdle),
    time: z.string().optional(),
    detail: WorkerObservation.required({ idleSeconds: true }),
  }),
  z.looseObject({ ...homelab, 'detail-type': z.literal(EVENT.workerDead), detail: WorkerObservation }),
  z.looseObject({
    source: z.literal(SPOT_WARNING.source),
    'detail-type': z.literal(SPOT_WARNING.detailType),
    detail: z.looseObject({ 'instance-id': z.string(), 'instance-action': z.string().default('terminate') }),
  }),
]);

/**
 * What somebody has seen of a worker: the control plane that it is idle or dead, EC2 that Spot takes it back. They
 * observe; what follows is decided here, against the registry. Safe to repeat, in any order.
 * @throws InputError for an event that is malformed
 */
export const observeWorker = async (ports: ObservePorts, input: unknown): Promise<Observed> => {
  const event = parseInput(ObservationEvent, input);
  switch (event['detail-type']) {
    case EVENT.workerIdle:
      return await hearOfIdle(ports, event.detail, event.time);
    case EVENT.workerDead:
      return await hearOfDead(ports, event.detail);
    default: {
      const { 'instance-id': instanceId, 'instance-action': action } = event.detail;
      return await hearOfInterruption(ports, { instanceId, action });
    }
  }
};
