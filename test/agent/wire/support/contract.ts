/**
 * The wire as agents and control planes already in use speak it, as data: `number name type`. Written down from what
 * is known of them, not from our agent.proto, which it is held against.
 */

/** Package and service: together with a call's name they make its path. */
export const SERVICE = 'ec2agent.v1.AgentControl';

/** Calls with what they take and give; `stream` where it is a stream. */
export const METHODS = {
  Connect: { takes: 'AgentMessage', gives: 'ControlMessage', stream: true },
  Register: { takes: 'RegisterRequest', gives: 'RegisterResponse', stream: false },
  Heartbeat: { takes: 'HeartbeatRequest', gives: 'HeartbeatResponse', stream: false },
  GetFleetStatus: { takes: 'FleetStatusRequest', gives: 'FleetStatusResponse', stream: false },
} as const;

/** Messages. `rep T` is a list, `map` one of strings by strings, `one` stands before alternatives. */
export const MESSAGES = {
  RegisterRequest: `1 node_id string, 2 node_type NodeType, 3 instance_id string, 4 nebula_ip string,
    5 public_ip string, 6 region string, 7 availability_zone string, 8 labels map, 9 capabilities NodeCapabilities`,
  RegisterResponse: `1 accepted bool, 2 message string, 3 assigned_id string, 4 heartbeat_interval_sec int32,
    5 status_interval_sec int32`,
  NodeCapabilities: `1 has_gpu bool, 2 gpu_model string, 3 gpu_count int32, 4 gpu_memory_mb int64, 5 cpu_cores int32,
    6 memory_mb int64, 7 disk_mb int64`,
  AgentMessage: '1 status one NodeStatus, 2 command_result one CommandResult, 3 log one LogEntry',
  ControlMessage: '1 command one Command, 2 ack one Ack, 3 config one ConfigUpdate',
  NodeStatus: `1 node_id string, 2 timestamp Timestamp, 3 nebula ServiceStatus, 4 k3s ServiceStatus,
    5 ollama ServiceStatus, 6 liqo ServiceStatus, 7 resources ResourceUsage, 8 gpus rep GPUStatus,
    9 loaded_models rep OllamaModel, 10 uptime_seconds int64, 11 idle_seconds int64, 12 health HealthState`,
  ServiceStatus: '1 state ServiceState, 2 message string, 3 uptime_seconds int64',
  ResourceUsage: `1 cpu_percent double, 2 memory_used_mb int64, 3 memory_total_mb int64, 4 disk_used_mb int64,
    5 disk_total_mb int64`,
  GPUStatus: `1 index int32, 2 name string, 3 memory_used_mb int64, 4 memory_total_mb int64,
    5 utilization_percent double, 6 temperature_c int32`,
  OllamaModel: '1 name string, 2 size_bytes int64, 3 currently_loaded bool',
  Command: '1 command_id string, 2 type CommandType, 3 args map, 4 timeout_seconds int32',
  CommandResult: `1 command_id string, 2 success bool, 3 exit_code int32, 4 stdout string, 5 stderr string,
    6 error string, 7 duration_ms int64`,
  Ack: '1 message_id string, 2 received bool',
  ConfigUpdate: '1 heartbeat_interval_sec int32, 2 status_interval_sec int32, 3 idle_shutdown_minutes int32',
  LogEntry: '1 timestamp Timestamp, 2 level LogLevel, 3 message string, 4 source string, 5 fields map',
  HeartbeatRequest: '1 node_id string, 2 timestamp Timestamp',
  HeartbeatResponse: '1 ok bool, 2 server_time Timestamp',
  FleetStatusRequest: '1 node_type NodeType, 2 health HealthState',
  FleetStatusResponse: '1 nodes rep NodeSummary, 2 summary FleetSummary',
  NodeSummary: `1 node_id string, 2 node_type NodeType, 3 health HealthState, 4 nebula_ip string,
    5 instance_id string, 6 connected bool, 7 last_seen Timestamp, 8 uptime_seconds int64, 9 idle_seconds int64,
    10 cpu_percent double, 11 memory_percent double, 12 gpu_count int32, 13 loaded_models int32`,
  FleetSummary: `1 total_nodes int32, 2 healthy_nodes int32, 3 unhealthy_nodes int32, 4 gpu_nodes int32,
    5 total_gpus int32`,
} as const;

/** Name of a message of the contract. */
export type MessageName = keyof typeof MESSAGES;

/** Enums: the prefix that all values of one carry, and its values from 0 on. */
export const ENUMS = {
  NodeType: { prefix: 'NODE_TYPE_', values: 'UNSPECIFIED LIGHTHOUSE GPU_WORKER CPU_WORKER' },
  ServiceState: {
    prefix: 'SERVICE_STATE_',
    values: 'UNSPECIFIED RUNNING STOPPED STARTING ERROR NOT_INSTALLED',
  },
  HealthState: { prefix: 'HEALTH_STATE_', values: 'UNSPECIFIED HEALTHY DEGRADED UNHEALTHY' },
  CommandType: {
    prefix: 'COMMAND_TYPE_',
    values: 'UNSPECIFIED SHUTDOWN REBOOT DRAIN PULL_MODEL UNLOAD_MODEL EXEC UPDATE_CONFIG RESTART_SERVICE',
  },
  LogLevel: { prefix: 'LOG_LEVEL_', values: 'UNSPECIFIED DEBUG INFO WARN ERROR' },
} as const;

/** One field of a message. */
export interface WireField {
  readonly number: number;
  readonly name: string;
  readonly type: string;
  readonly kind: 'single' | 'rep' | 'map' | 'one';
}

/** The fields of a message by the table. */
export function fieldsOf(message: MessageName): readonly WireField[] {
  return MESSAGES[message].split(',').map((text) => {
    const [number, name = '', ...rest] = text.trim().split(/\s+/);
    const [first = '', second] = rest;
    if (first === 'map') return { number: Number(number), name, type: 'string', kind: 'map' };
    const kind = first === 'rep' || first === 'one' ? first : 'single';
    return { number: Number(number), name, type: second ?? first, kind };
  });
}

/** The values of an enum by name, with their prefix. */
export function valuesOf(name: keyof typeof ENUMS): Record<string, number> {
  const { prefix, values } = ENUMS[name];
  return Object.fromEntries(values.split(' ').map((value, index) => [`${prefix}${value}`, index]));
}

/** All messages of the contract. */
export const MESSAGE_NAMES = Object.keys(MESSAGES) as readonly MessageName[];

/** All enums of the contract. */
export const ENUM_NAMES = Object.keys(ENUMS) as readonly (keyof typeof ENUMS)[];
