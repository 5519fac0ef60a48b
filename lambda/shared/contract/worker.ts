import * as z from 'zod';
import { ColdStart } from './cold-start.ts';
import { GENERATION_PATTERN, Market, Role, WORKER_NAME_PATTERN } from './names.ts';

const text = (maximum: number) => z.string().min(1).max(maximum);

export const WorkerName = z.string().regex(WORKER_NAME_PATTERN, {
  error:
    'expected 1 to 48 characters: lower-case letters, digits and hyphens, starting with a letter, not ending with a hyphen',
});
export const Ipv4 = z.ipv4();
export const InstanceType = z
  .string()
  .regex(/^[a-z][a-z0-9-]*\.[a-z0-9-]+$/, { error: 'expected an EC2 instance type such as g4dn.xlarge' });
export const ImageId = z
  .string()
  .regex(/^ami-[0-9a-f]{8,17}$/, { error: 'expected an image id such as ami-0f24e5b7febd29ea3' });

export const ClusterName = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,30}[a-z0-9]$/, { error: 'expected 2 to 32 lower-case letters, digits and hyphens' });

/** What a caller may ask for. Everything has a default, so `{}` is a valid request. */
export const ProvisionRequest = z.strictObject({
  name: WorkerName.optional(),
  role: Role.optional(),
  nebulaIp: Ipv4.optional(),
  instanceType: InstanceType.optional(),
  market: Market.optional(),
  onDemandFallback: z.boolean().optional(),
  amiId: ImageId.optional(),
  /** Cluster on EC2 that a lighthouse opens and a gpu-worker joins. */
  cluster: ClusterName.optional(),
});
export type ProvisionRequest = z.infer<typeof ProvisionRequest>;

export const TeardownRequest = z.strictObject({
  name: WorkerName,
  /** Only this life of the worker; absent means the present one. */
  generation: z.string().regex(GENERATION_PATTERN).optional(),
  deregisterAmi: z.boolean().optional(),
});
export type TeardownRequest = z.infer<typeof TeardownRequest>;

/** Where a worker stands in its life. The order is the order of the provision machine. */
export const PHASES = [
  'RESERVED',
  'IDENTIFIED',
  'LAUNCHING',
  'LAUNCHED',
  'BOOTED',
  'MESHED',
  /** A lighthouse: k3s and Cilium stand, others may join. A gpu-worker: joined. */
  'CLUSTERED',
  /** A lighthouse whose cluster is peered with the homelab's, proven by traffic. */
  'PEERED',
  'READY',
  'TEARING_DOWN',
  'REMOVED',
] as const;
export const Phase = z.enum(PHASES);
export type Phase = z.infer<typeof Phase>;

/**
 * A worker as it travels through the provision machine: complete after ReserveWorker, so that no later state
 * dereferences an optional field (an undefined JSONata leaf ends an execution without roll-back).
 * Contains nothing secret.
 */
export const Worker = z.object({
  contract: z.literal(1),
  name: WorkerName,
  generation: z.string().regex(GENERATION_PATTERN),
  role: Role,
  /** Mesh address without mask; the certificate is always for the whole mesh's mask. */
  address: Ipv4,
  instanceTypes: z.array(InstanceType).min(1),
  market: Market,
  onDemandFallback: z.boolean(),
  /** Empty string: the role's AMI from its SSM parameter. */
  amiId: z.union([z.literal(''), ImageId]),
  cluster: ClusterName,
});
export type Worker = z.infer<typeof Worker>;

/** What steps found out of a worker, for people and for other workers: `caHash`, `gpu`, `virtualNode`, … */
export const Details = z.record(z.string().regex(/^[a-z][A-Za-z0-9]{0,31}$/), z.string().max(256));
export type Details = z.infer<typeof Details>;

/** ISO 8601 instant, UTC. */
const Instant = z.iso.datetime();

/** Why a worker was torn down. A roll-back has a failure instead. */
export const REMOVAL_REASONS = ['requested', 'scale-in', 'idle', 'spot-interruption', 'lost', 'failed'] as const;
export const Removal = z.object({
  reason: z.enum(REMOVAL_REASONS),
  /** The same in words, with what led to it. */
  text: z.string().max(512),
  at: Instant,
});
export type Removal = z.infer<typeof Removal>;

/** What the control plane last told of a worker's agent; it tells of idle and of dead ones only. */
export const AgentHealth = z.object({
  state: z.enum(['idle', 'dead']),
  observedAt: Instant,
  /** When the agent was last heard; absent for one that is idle. */
  lastSeen: Instant.optional(),
});
export type AgentHealth = z.infer<typeof AgentHealth>;

/** The present spell of idleness, as last observed. */
export const IdleSpell = z.object({
  since: Instant,
  observedAt: Instant,
  /** Absent until its warning was sent. */
  warnedAt: Instant.optional(),
  teardownAt: Instant.optional(),
});
export type IdleSpell = z.infer<typeof IdleSpell>;

/** `WORKER#<name>`: the registry's authority on name, address, owner and phase. */
export const WorkerRow = Worker.extend({
  phase: Phase,
  /**
   * ARN of the provision execution that owns this generation; `door:<id>` while a door has reserved but not started.
   */
  owner: text(400),
  /** SHA-256 of the normalised request: the same name with another request is a conflict. */
  requestHash: z.string().length(64),
  /** The byte-identical input string that StartExecution gets on every repeat. */
  input: text(4096),
  reservedAt: Instant,
  updatedAt: Instant,
  launchAttempt: z.number().int().nonnegative(),
  teardownAttempt: z.number().int().nonnegative(),
  fencedAt: Instant.optional(),
  /** Phase at the moment of the fence; LAUNCHING means a launch call may still be in flight. */
  fencedPhase: Phase.optional(),
  lease: z.object({ holder: text(400), expiresAt: Instant }).optional(),
  instanceId: z.string().optional(),
  instanceArn: z.string().optional(),
  instanceType: z.string().optional(),
  availabilityZone: z.string().optional(),
  launchedMarket: Market.optional(),
  launchedAmiId: z.string().optional(),
  publicIp: z.string().optional(),
  privateIp: z.string().optional(),
  /** As EC2 says: to the second. */
  launchedAt: Instant.optional(),
  coldStart: ColdStart.optional(),
  secretArn: z.string().optional(),
  certificateFingerprint: z.string().optional(),
  certificateNotAfter: Instant.optional(),
  openCommand: z.object({ commandId: z.string(), step: z.string() }).optional(),
  /** The command that runs on the homelab's node for this worker. */
  openHomelabCommand: z.object({ commandId: z.string(), step: z.string(), instanceId: z.string() }).optional(),
  details: Details.optional(),
  failure: z.object({ error: z.string(), cause: z.string() }).optional(),
  /** When it became READY; rows of earlier versions have none. */
  readyAt: Instant.optional(),
  agentHealth: AgentHealth.optional(),
  idle: IdleSpell.optional(),
  removal: Removal.optional(),
  removedAt: Instant.optional(),
});
export type WorkerRow = z.infer<typeof WorkerRow>;
