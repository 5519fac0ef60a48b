import * as z from 'zod';
import { WorkerView } from './views.ts';
import { Ipv4, ProvisionRequest, WorkerName } from './worker.ts';

/**
 * Events on the bus `<fleet>`. Sources of ours: `carrierarr.fleet` for what AWS says, `carrierarr.homelab` for what the
 * control plane has seen; whoever asks for workers chooses its own.
 */
export const EVENT = {
  source: 'carrierarr.fleet',
  scaleOutRequested: 'Scale Out Requested',
  scaleInRequested: 'Scale In Requested',
  workerReady: 'Worker Ready',
  workerFailed: 'Worker Failed',
  workerRemoved: 'Worker Removed',
  /** An idle worker is torn down soon unless it gets something to do; detail {@link IdleWarning}. */
  workerIdleWarning: 'Worker Idle Warning',
  homelabSource: 'carrierarr.homelab',
  /** Detail of both: {@link WorkerObservation}. The control plane observes, AWS judges. */
  workerIdle: 'Worker Idle',
  workerDead: 'Worker Dead',
} as const;

/** Detail of `Scale Out Requested`: `count` workers with the same request; names are derived from the event's id. */
export const ScaleOutDetail = ProvisionRequest.omit({ name: true, nebulaIp: true }).extend({
  count: z.number().int().min(1).max(100).default(1),
  /** Overrides the event id for de-duplication when the sender retries with new event ids. */
  requestId: z.string().min(1).max(128).optional(),
});
export const ScaleInDetail = z.strictObject({ names: z.array(WorkerName).min(1).max(100) });

/** EC2's own event, two minutes before it takes an instance back; on the default bus only. */
export const SPOT_WARNING = { source: 'aws.ec2', detailType: 'EC2 Spot Instance Interruption Warning' } as const;

const Instant = z.iso.datetime({ offset: true });

/** What the control plane in the homelab has seen of a worker. Further fields are left out, so that it may say more. */
export const WorkerObservation = z.object({
  worker: WorkerName,
  /** Empty where the agent does not know it. */
  fleet: z.string().max(20).default(''),
  /** Empty where the agent does not know it. */
  generation: z.string().max(12).default(''),
  instanceId: z.string().regex(/^i-[0-9a-f]{8,17}$/, { error: 'expected an instance id such as i-0123456789abcdef0' }),
  nebulaIp: Ipv4,
  nodeId: z.string().min(1).max(253),
  observedAt: Instant,
  /** `suspect`: everybody fell silent at once, which says more of the way than of the worker. */
  path: z.enum(['ok', 'suspect']).default('ok'),
  /** Of {@link EVENT.workerIdle}: for how long by then. */
  idleSeconds: z.number().min(0).optional(),
  /** Of {@link EVENT.workerDead}. */
  lastSeen: Instant.optional(),
});
export type WorkerObservation = z.infer<typeof WorkerObservation>;

/** Detail of {@link EVENT.workerIdleWarning}: once for each spell of idleness. */
export const IdleWarning = WorkerView.extend({ idleSeconds: z.number(), teardownAt: z.string() });
export type IdleWarning = z.infer<typeof IdleWarning>;
