import * as z from 'zod';
import { ColdStart } from './cold-start.ts';
import { Market, Role } from './names.ts';
import { AgentHealth, Details, IdleSpell, Ipv4, Removal, WorkerName } from './worker.ts';

/** A worker as the API and the command show it. */
export const WorkerView = z.object({
  name: WorkerName,
  role: Role,
  phase: z.string(),
  address: Ipv4,
  generation: z.string(),
  execution: z.string(),
  instanceId: z.string().nullable(),
  instanceType: z.string().nullable(),
  market: Market.nullable(),
  availabilityZone: z.string().nullable(),
  publicIp: z.string().nullable(),
  cluster: z.string(),
  details: Details,
  /** Null until the boot has ended; a stack of an earlier version knows nothing of it. */
  coldStart: ColdStart.nullable().default(null),
  certificateFingerprint: z.string().nullable(),
  certificateNotAfter: z.string().nullable(),
  failure: z.object({ error: z.string(), cause: z.string() }).nullable(),
  /** What the control plane last told of its agent; null where it told nothing, as of one that is at work. */
  agentHealth: AgentHealth.nullable().default(null),
  /** Null for a worker that was not seen idle. */
  idle: IdleSpell.nullable().default(null),
  /** Why it is being removed, or was; null for one that was not, and for a roll-back. */
  removal: Removal.nullable().default(null),
  reservedAt: z.string(),
  updatedAt: z.string(),
});
export type WorkerView = z.infer<typeof WorkerView>;

/** RFC 9457 body of every API error. */
export const Problem = z.object({
  type: z.string(),
  title: z.string(),
  status: z.number().int(),
  detail: z.string(),
  faults: z.array(z.object({ field: z.string(), what: z.string(), got: z.string(), allowed: z.string() })),
  remedy: z.string(),
});
export type Problem = z.infer<typeof Problem>;
