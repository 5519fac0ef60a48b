import type { GpuView, Health, ModelView, NodeKind, NodeState, NodeView, ResourcesView } from '../views.ts';

/** What the latest status said, in the words of the view. */
export interface StatusPart {
  readonly status: NonNullable<NodeView['status']>;
  readonly resources: ResourcesView;
  readonly gpus: GpuView[];
  readonly models: ModelView[];
  readonly timeline: NodeView['timeline'];
  readonly busy_with: string;
  readonly interruption: NodeView['interruption'];
}

/** What a node is and was last known to be; outlives the process. Instants are milliseconds of the wall's clock. */
export interface NodeRecord {
  readonly id: string;
  readonly type: NodeKind;
  readonly instanceId: string;
  readonly nebulaIp: string;
  readonly publicIp: string;
  readonly region: string;
  readonly az: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly capabilities: NodeView['capabilities'];
  readonly worker: string;
  readonly instanceType: string;
  readonly market: string;
  readonly fleet: string;
  readonly generation: string;
  /** Empty: an agent that is not ours, which knows neither redelivery nor reconnection. */
  readonly agentVersion: string;
  /** A token has proven worker and address. */
  readonly proven: boolean;
  readonly registeredAt: number;
  readonly connectedAt: number;
  readonly lastSeen: number;
  readonly state: NodeState;
  readonly status: StatusPart | undefined;
}

/** One agent's stream as the fleet and the command desk see it. */
export interface AgentStream {
  /** Ends it for a reason that the agent is told; a second call does nothing. */
  end(reason: string): void;
}

/** A node in this process: its record, and what does not outlive the process. */
export interface LiveNode {
  record: NodeRecord;
  /** Registered by this process, and its stream has not torn since. */
  connected: boolean;
  stream: AgentStream | undefined;
  /** When something of the node was last heard, by the monotonic clock. */
  heardAt: number;
  /** When it has to be told of next, by the monotonic clock; undefined while there is nothing to tell. */
  nextIdle: number | undefined;
  nextDead: number | undefined;
}

export const healthOf = (record: NodeRecord): Health => record.status?.status.health ?? 'HEALTH_STATE_UNSPECIFIED';

/** Known control planes count so, too. */
export const isHealthy = (node: LiveNode): boolean =>
  node.connected && healthOf(node.record) === 'HEALTH_STATE_HEALTHY';
