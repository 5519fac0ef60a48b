import * as z from 'zod';
import { HANDOVER_PURPOSES, Market } from './names.ts';
import { ClusterName, Details, Worker, WorkerName } from './worker.ts';

/**
 * What a state hands to a Lambda and what it gets back. A function serves the operations of one capability; its event
 * is `{ operation, ...input }`. `lib/` builds the states from these names, `lambda/*` implements them, so a state and
 * its Lambda cannot drift apart. Instants in `since` and `proveAfter` are epoch milliseconds (`$millis()` in JSONata).
 */

/** Which life of which worker. An empty generation means: no row, only tags and names are left to go by. */
const Life = z.object({ name: WorkerName, generation: z.string() });
/** ARN of the execution on whose behalf the step runs. */
const execution = z.string().min(1);
const since = z.number();

const reserve = {
  input: z.object({ execution, request: z.unknown() }),
  output: z.discriminatedUnion('outcome', [
    z.object({ outcome: z.literal('reserved'), worker: Worker }),
    /** The name belongs to another execution: point to it, never roll it back. */
    z.object({
      outcome: z.literal('taken'),
      name: WorkerName,
      generation: z.string(),
      owner: z.string(),
      phase: z.string(),
    }),
  ]),
};

const advance = {
  input: Life.extend({
    execution,
    phase: z.enum(['BOOTED', 'MESHED', 'CLUSTERED', 'PEERED', 'READY']),
    /** Merged into those of the row. */
    details: Details,
  }),
  output: Life.extend({ phase: z.string() }),
};

const recordFailure = {
  input: Life.extend({ execution, error: z.string(), cause: z.string() }),
  output: z.object({ recorded: z.boolean() }),
};

const fence = {
  input: z.object({ name: WorkerName, generation: z.string(), execution, deregisterAmi: z.boolean() }),
  output: z.object({
    /** `busy`: another teardown holds the lease. `absent`/`removed`: nothing to fence, the proof still runs. */
    outcome: z.enum(['fenced', 'absent', 'removed', 'busy']),
    name: WorkerName,
    generation: z.string(),
    /** Empty strings where unknown. */
    instanceId: z.string(),
    commandId: z.string(),
    amiId: z.string(),
    holder: z.string(),
    role: z.string(),
    address: z.string(),
    publicIp: z.string(),
    cluster: z.string(),
    /** Of the cluster's server, for a gpu-worker that has joined one which still stands. */
    serverInstanceId: z.string(),
    /** Whether Liqo may know this worker's cluster: its server got as far as CLUSTERED. */
    peered: z.boolean(),
    homelabInstanceId: z.string(),
    homelabCommandId: z.string(),
    /** The proof may not pass before this instant: a launch call in flight at the fence may still succeed. */
    proveAfter: since,
  }),
};

/** How long a teardown holds its worker: longer than one takes. Two at once would only do the same work twice. */
export const TEARDOWN_LEASE_SECONDS = 3_600;
/** Limit of the launch function: a launch call in flight when the fence fell may take effect this long after it. */
export const LAUNCH_TIMEOUT_SECONDS = 60;
/** Until DescribeInstances shows what CreateFleet has just made. */
export const LAUNCH_CONSISTENCY_SECONDS = 10;

/** The server of a cluster as a gpu-worker needs it; `NO_SERVER` for a worker that joins none. */
export const ClusterServer = z.object({
  cluster: z.string(),
  server: z.string(),
  instanceId: z.string(),
  privateIp: z.string(),
  meshIp: z.string(),
  /** SHA-256, hex, of the certificate of k3s' own CA: the middle of a join token. */
  caHash: z.string(),
  secretArn: z.string(),
});
export type ClusterServer = z.infer<typeof ClusterServer>;

/** Stands where no server is, or none yet. */
export const NO_SERVER: ClusterServer = {
  cluster: '',
  server: '',
  instanceId: '',
  privateIp: '',
  meshIp: '',
  caHash: '',
  secretArn: '',
};

/** Whether a gpu-worker's cluster can be joined. Throws once there is no server to wait for, or the limit is passed. */
const cluster = {
  input: z.object({ name: WorkerName, cluster: ClusterName, since }),
  output: z.object({ joinable: z.boolean(), server: ClusterServer }),
};

const releaseAddress = { input: Life, output: z.object({ released: z.boolean() }) };
const markRemoved = { input: Life.extend({ execution }), output: z.object({ removed: z.boolean() }) };

const issue = {
  input: z.object({ worker: Worker, execution, server: ClusterServer }),
  output: z.object({ secretArn: z.string(), versionId: z.string(), fingerprint: z.string(), notAfter: z.string() }),
};
const revoke = {
  input: Life,
  output: z.object({ revoked: z.array(z.string()), secret: z.enum(['deleted', 'absent', 'foreign']) }),
};
const due = {
  input: z.object({ names: z.array(WorkerName) }),
  output: z.object({ due: z.array(Life.extend({ instanceId: z.string() })) }),
};
const renew = {
  input: Life,
  output: z.object({ secretArn: z.string(), versionId: z.string(), fingerprint: z.string(), notAfter: z.string() }),
};

/**
 * A secret through which one node hands a credential to another: empty at first, writable by the one, readable by the
 * other. The worker's own tags are on it, so that proof and sweep know whose it is. Opening it again binds it anew.
 */
const openHandover = {
  input: Life.extend({
    execution,
    purpose: z.enum(HANDOVER_PURPOSES),
    writer: z.string(),
    reader: z.string(),
  }),
  output: z.object({ secretId: z.string() }),
};
/** Deletes every such secret of that life. */
const closeHandover = { input: Life, output: z.object({ deleted: z.array(z.string()) }) };

const launch = {
  input: z.object({ worker: Worker, execution, redriveCount: z.number().int().nonnegative() }),
  output: z.object({
    instanceId: z.string(),
    instanceArn: z.string(),
    instanceType: z.string(),
    availabilityZone: z.string(),
    market: Market,
    amiId: z.string(),
    privateIp: z.string(),
    publicIp: z.string(),
    /** True when an instance of an earlier attempt was found by its tags and taken over. */
    adopted: z.boolean(),
  }),
};

const online = {
  input: z.object({ name: WorkerName, instanceId: z.string(), since }),
  output: z.object({ online: z.boolean() }),
};
const start = {
  input: Life.extend({
    execution,
    instanceId: z.string(),
    step: z.string(),
    /**
     * Tells runs of one step within one execution apart, since a node answers a repeat with the first verdict: the
     * roll-back of a provision makes a peering user again. Appended to the name of the execution as `-<run>`; absent
     * or empty for the first.
     */
    run: z
      .string()
      .regex(/^[a-z]{0,8}$/)
      .optional(),
    parameters: z.record(z.string(), z.string()),
  }),
  output: z.object({ commandId: z.string() }),
};
/** The JSON line a step prints at its end. */
export const StepResult = z.looseObject({
  step: z.string(),
  ok: z.boolean(),
  rc: z.number().int(),
  tail: z.string().optional(),
});
export type StepResult = z.infer<typeof StepResult>;
const poll = {
  input: z.object({ name: WorkerName, instanceId: z.string(), commandId: z.string(), step: z.string(), since }),
  output: z.object({ done: z.boolean(), result: StepResult.or(z.object({})) }),
};
const cancel = {
  input: z.object({ instanceId: z.string(), commandId: z.string() }),
  output: z.object({ cancelled: z.boolean() }),
};

/** The homelab's node: empty strings where there is none and none is required. */
const find = {
  input: z.object({ name: WorkerName, required: z.boolean() }),
  output: z.object({ instanceId: z.string(), instanceArn: z.string() }),
};

const terminate = { input: Life, output: z.object({ instanceIds: z.array(z.string()) }) };
const terminated = {
  input: z.object({ name: WorkerName, instanceIds: z.array(z.string()), since }),
  output: z.object({ gone: z.boolean() }),
};
const prove = {
  input: Life.extend({ instanceId: z.string(), proveAfter: since, since }),
  /** `clean: false` means "look again"; leftovers that stay end in a ProofFailedError. */
  output: z.object({ clean: z.boolean(), checked: z.array(z.string()), leftovers: z.array(z.string()) }),
};
const deregister = {
  input: z.object({ name: WorkerName, amiId: z.string() }),
  output: z.object({
    outcome: z.enum(['deregistered', 'absent', 'in-use', 'not-ours']),
    snapshots: z.array(z.string()),
  }),
};
const sweep = {
  input: z.object({ dryRun: z.boolean() }),
  output: z.object({
    dryRun: z.boolean(),
    findings: z.array(
      z.object({
        kind: z.enum(['instance', 'secret', 'worker']),
        id: z.string(),
        worker: z.string(),
        reason: z.string(),
        action: z.enum(['marked', 'terminated', 'deleted', 'teardown-started', 'none']),
        /** Empty when the action worked: one item's failure never stops the sweep. */
        error: z.string(),
      }),
    ),
  }),
};

export const OPERATIONS = {
  registry: { reserve, cluster, advance, recordFailure, fence, releaseAddress, markRemoved },
  identity: { issue, revoke, due, renew, openHandover, closeHandover },
  launch: { launch },
  'run-command': { online, start, poll, cancel },
  /** The same on the homelab's node, by a function and a role of its own. */
  homelab: { find, start, poll, cancel },
  sweep: { terminate, terminated, prove, deregister, sweep },
} as const;

export type Capability = keyof typeof OPERATIONS;
export type OperationName<C extends Capability> = keyof (typeof OPERATIONS)[C] & string;
type Shape<C extends Capability, O extends OperationName<C>> = (typeof OPERATIONS)[C][O] & {
  input: z.ZodType;
  output: z.ZodType;
};
export type OperationInput<C extends Capability, O extends OperationName<C>> = z.output<Shape<C, O>['input']>;
export type OperationOutput<C extends Capability, O extends OperationName<C>> = z.input<Shape<C, O>['output']>;

/** Input of the renew machine: no names means every worker that is due. */
export const RenewRequest = z.strictObject({ names: z.array(WorkerName).optional() });
export const SweepRequest = z.strictObject({ dryRun: z.boolean().optional() });
