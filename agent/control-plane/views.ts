import * as z from 'zod';

/**
 * What the control plane answers over HTTP: read by the page, the command, the embedded cloud and VerifyAgent. Names and
 * shapes of the known control plane stay as they are (`docs/control-plane.md`); whatever is ours is added beside them.
 */

/**
 * `online`: heard of lately; `stale`: not for the stale limit; `dead`: not for the dead threshold; `gone`: known to be
 * over (replaced by another instance, shut down by command, or an operator said so) and forgotten after a day.
 */
export const NodeState = z.enum(['online', 'stale', 'dead', 'gone']);
export type NodeState = z.infer<typeof NodeState>;

/** Enums travel as their protobuf names, as `protojson` writes them. */
export const Health = z.enum([
  'HEALTH_STATE_UNSPECIFIED',
  'HEALTH_STATE_HEALTHY',
  'HEALTH_STATE_DEGRADED',
  'HEALTH_STATE_UNHEALTHY',
]);
export type Health = z.infer<typeof Health>;

export const NodeKind = z.enum([
  'NODE_TYPE_UNSPECIFIED',
  'NODE_TYPE_LIGHTHOUSE',
  'NODE_TYPE_GPU_WORKER',
  'NODE_TYPE_CPU_WORKER',
]);
export type NodeKind = z.infer<typeof NodeKind>;

export const ServiceStateName = z.enum([
  'SERVICE_STATE_UNSPECIFIED',
  'SERVICE_STATE_RUNNING',
  'SERVICE_STATE_STOPPED',
  'SERVICE_STATE_STARTING',
  'SERVICE_STATE_ERROR',
  'SERVICE_STATE_NOT_INSTALLED',
]);
export type ServiceStateName = z.infer<typeof ServiceStateName>;

/** RFC 3339, always in UTC. */
const Time = z.string();

/** A Spot interruption that the agent has read from the instance's metadata. */
export const InterruptionView = z.object({ action: z.string(), time: Time.nullable(), noticed_at: Time.nullable() });
export type InterruptionView = z.infer<typeof InterruptionView>;

/** An item of GET /api/v1/nodes. The five fields at its end are there once the node has sent a status. */
export const NodeSummaryView = z.object({
  id: z.string(),
  type: NodeKind,
  instance_id: z.string(),
  nebula_ip: z.string(),
  public_ip: z.string(),
  /** Registered, its stream not torn, and not stale. */
  connected: z.boolean(),
  last_seen: Time,
  /** Commands reach the node now. */
  stream_active: z.boolean(),
  /** Ours from here on; empty where a known agent does not say. */
  worker: z.string(),
  state: NodeState,
  region: z.string(),
  az: z.string(),
  instance_type: z.string(),
  market: z.string(),
  fleet: z.string(),
  generation: z.string(),
  agent_version: z.string(),
  busy_with: z.string(),
  interruption: InterruptionView.nullable(),
  health: Health.optional(),
  uptime_seconds: z.number().optional(),
  idle_seconds: z.number().optional(),
  gpu_count: z.number().int().optional(),
  loaded_models: z.number().int().optional(),
});
export type NodeSummaryView = z.infer<typeof NodeSummaryView>;

export const GpuView = z.object({
  index: z.number().int(),
  name: z.string(),
  memory_used_mb: z.number(),
  memory_total_mb: z.number(),
  /** Percent. */
  utilization: z.number(),
  temperature_c: z.number(),
});
export type GpuView = z.infer<typeof GpuView>;

export const ModelView = z.object({ name: z.string(), size_bytes: z.number(), currently_loaded: z.boolean() });
export type ModelView = z.infer<typeof ModelView>;

export const ServiceView = z.object({ state: ServiceStateName, message: z.string(), uptime_seconds: z.number() });
export type ServiceView = z.infer<typeof ServiceView>;

export const ResourcesView = z.object({
  cpu_percent: z.number(),
  memory_used_mb: z.number(),
  memory_total_mb: z.number(),
  disk_used_mb: z.number(),
  disk_total_mb: z.number(),
});
export type ResourcesView = z.infer<typeof ResourcesView>;

/** A mark of the boot, in the order of time. */
export const BootMarkView = z.object({ mark: z.string(), at: Time.nullable() });
export type BootMarkView = z.infer<typeof BootMarkView>;

/** GET /api/v1/nodes/{id}, and the data of `event: node`. */
export const NodeView = NodeSummaryView.extend({
  labels: z.record(z.string(), z.string()),
  capabilities: z
    .object({
      has_gpu: z.boolean(),
      gpu_model: z.string(),
      gpu_count: z.number().int(),
      gpu_memory_mb: z.number(),
      cpu_cores: z.number().int(),
      memory_mb: z.number(),
      disk_mb: z.number(),
    })
    .nullable(),
  connected_at: Time,
  /** When this instance was first heard of. */
  registered_at: Time,
  timeline: z.array(BootMarkView),
  status: z
    .object({
      health: Health,
      uptime_seconds: z.number(),
      idle_seconds: z.number(),
      timestamp: Time.nullable(),
      /** Null where the agent does not report the service. */
      services: z.record(z.enum(['nebula', 'k3s', 'ollama', 'liqo']), ServiceView.nullable()),
    })
    .optional(),
  resources: ResourcesView.optional(),
  gpus: z.array(GpuView).optional(),
  models: z.array(ModelView).optional(),
});
export type NodeView = z.infer<typeof NodeView>;

/** `suspect`: every node of at least two fell silent at once, so it is the way to them that is broken. */
export const PathState = z.enum(['ok', 'suspect']);
export type PathState = z.infer<typeof PathState>;

/** GET /api/v1/stats. */
export const StatsView = z.object({
  total_nodes: z.number().int(),
  healthy_nodes: z.number().int(),
  unhealthy_nodes: z.number().int(),
  gpu_nodes: z.number().int(),
  total_gpus: z.number().int(),
  connected: z.number().int(),
  /** Ours. */
  stale_nodes: z.number().int(),
  dead_nodes: z.number().int(),
  path: PathState,
});
export type StatsView = z.infer<typeof StatsView>;

/** GET /api/v1/fleet: FleetStatusResponse as `protojson` writes it, so 64-bit integers are strings. */
export const FleetView = z.object({
  nodes: z.array(
    z.object({
      node_id: z.string(),
      node_type: NodeKind,
      health: Health,
      nebula_ip: z.string(),
      instance_id: z.string(),
      connected: z.boolean(),
      last_seen: Time.nullable(),
      uptime_seconds: z.string(),
      idle_seconds: z.string(),
      cpu_percent: z.number(),
      memory_percent: z.number(),
      gpu_count: z.number().int(),
      loaded_models: z.number().int(),
      worker: z.string(),
      state: NodeState,
    }),
  ),
  summary: z.object({
    total_nodes: z.number().int(),
    healthy_nodes: z.number().int(),
    unhealthy_nodes: z.number().int(),
    gpu_nodes: z.number().int(),
    total_gpus: z.number().int(),
  }),
});
export type FleetView = z.infer<typeof FleetView>;

/**
 * GET /api/v1/events, by event name. Every stream starts with `hello`, which carries the whole fleet and replaces what
 * the reader knew, after a reconnection too; `tick` tells a quiet fleet from a torn stream.
 */
export const FleetEvents = {
  hello: z.object({
    now: Time,
    version: z.string(),
    stale_after_seconds: z.number(),
    dead_after_seconds: z.number(),
    path: PathState,
    nodes: z.array(NodeView),
  }),
  node: NodeView,
  gone: z.object({ id: z.string() }),
  path: z.object({ path: PathState }),
  tick: z.object({ now: Time }),
} as const;
export type FleetEventName = keyof typeof FleetEvents;
export type HelloEvent = z.infer<typeof FleetEvents.hello>;
export type GoneEvent = z.infer<typeof FleetEvents.gone>;
export type PathEvent = z.infer<typeof FleetEvents.path>;
export type TickEvent = z.infer<typeof FleetEvents.tick>;

/** The types that POST /api/v1/command takes, without the prefix COMMAND_TYPE_. */
export const CommandTypeName = z.enum([
  'SHUTDOWN',
  'REBOOT',
  'DRAIN',
  'PULL_MODEL',
  'UNLOAD_MODEL',
  'EXEC',
  'UPDATE_CONFIG',
  'RESTART_SERVICE',
]);
export type CommandTypeName = z.infer<typeof CommandTypeName>;

/** One line of GET /api/v1/audit, newest first. */
export const AuditView = z.object({
  id: z.number().int(),
  at: Time,
  /** What happened to the command; `refused` never left, `timed-out` got no answer in time. */
  event: z.enum(['accepted', 'refused', 'delivered', 'result', 'timed-out', 'forgotten']),
  command_id: z.string(),
  node_id: z.string(),
  type: z.string(),
  /** Where the request came from; an address, never an identity. */
  source: z.string(),
  detail: z.string(),
});
export type AuditView = z.infer<typeof AuditView>;

/** Body of every error, RFC 9457. */
export const ProblemView = z.object({
  type: z.string(),
  title: z.string(),
  status: z.number().int(),
  detail: z.string(),
  remedy: z.string(),
});
export type ProblemView = z.infer<typeof ProblemView>;
