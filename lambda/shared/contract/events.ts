import * as z from 'zod';
import { ProvisionRequest, WorkerName } from './worker.ts';

/** Events on the bus `<fleet>`. Source of ours: `carrierarr.fleet`; whoever asks chooses its own source. */
export const EVENT = {
  source: 'carrierarr.fleet',
  scaleOutRequested: 'Scale Out Requested',
  scaleInRequested: 'Scale In Requested',
  workerReady: 'Worker Ready',
  workerFailed: 'Worker Failed',
  workerRemoved: 'Worker Removed',
} as const;

/** Detail of `Scale Out Requested`: `count` workers with the same request; names are derived from the event's id. */
export const ScaleOutDetail = ProvisionRequest.omit({ name: true, nebulaIp: true }).extend({
  count: z.number().int().min(1).max(100).default(1),
  /** Overrides the event id for de-duplication when the sender retries with new event ids. */
  requestId: z.string().min(1).max(128).optional(),
});
export const ScaleInDetail = z.strictObject({ names: z.array(WorkerName).min(1).max(100) });
