import type { Health, NodeKind, NodeState, NodeView, ServiceStateName } from '../../views.ts';

/** `NODE_TYPE_GPU_WORKER` is `gpu-worker` everywhere else, so here as well. */
export const ROLES: Readonly<Record<NodeKind, string>> = {
  NODE_TYPE_UNSPECIFIED: 'unknown role',
  NODE_TYPE_LIGHTHOUSE: 'lighthouse',
  NODE_TYPE_GPU_WORKER: 'gpu-worker',
  NODE_TYPE_CPU_WORKER: 'cpu-worker',
};

export const HEALTH: Readonly<Record<Health, string>> = {
  HEALTH_STATE_UNSPECIFIED: 'health unknown',
  HEALTH_STATE_HEALTHY: 'healthy',
  HEALTH_STATE_DEGRADED: 'degraded',
  HEALTH_STATE_UNHEALTHY: 'unhealthy',
};

export const SERVICES: Readonly<Record<ServiceStateName, string>> = {
  SERVICE_STATE_UNSPECIFIED: 'unknown',
  SERVICE_STATE_RUNNING: 'running',
  SERVICE_STATE_STOPPED: 'stopped',
  SERVICE_STATE_STARTING: 'starting',
  SERVICE_STATE_ERROR: 'error',
  SERVICE_STATE_NOT_INSTALLED: 'not installed',
};

/** How a thing looks: every look has a word or a shape beside its colour. */
export type Look = 'good' | 'warning' | 'bad' | 'quiet';

export const STATE_LOOK: Readonly<Record<NodeState, Look>> = {
  online: 'good',
  stale: 'warning',
  dead: 'bad',
  gone: 'quiet',
};

export const HEALTH_LOOK: Readonly<Record<Health, Look>> = {
  HEALTH_STATE_UNSPECIFIED: 'quiet',
  HEALTH_STATE_HEALTHY: 'good',
  HEALTH_STATE_DEGRADED: 'warning',
  HEALTH_STATE_UNHEALTHY: 'bad',
};

export const SERVICE_LOOK: Readonly<Record<ServiceStateName, Look>> = {
  SERVICE_STATE_UNSPECIFIED: 'quiet',
  SERVICE_STATE_RUNNING: 'good',
  SERVICE_STATE_STOPPED: 'warning',
  SERVICE_STATE_STARTING: 'warning',
  SERVICE_STATE_ERROR: 'bad',
  SERVICE_STATE_NOT_INSTALLED: 'quiet',
};

/** Known agents do not say which worker they are: then the node's own name stands. */
export const nameOf = ({ worker, id }: Pick<NodeView, 'worker' | 'id'>): string => worker || id;

export const healthOf = ({ health }: Pick<NodeView, 'health'>): Health => health ?? 'HEALTH_STATE_UNSPECIFIED';

const LOUDNESS: Readonly<Record<Look, number>> = { bad: 3, warning: 2, good: 0, quiet: 0 };

/** The look of a node as a whole. What is gone troubles nobody any more; what is not online has an old health. */
export const lookOf = (node: NodeView): Look => {
  if (node.state === 'gone') return 'quiet';
  if (node.interruption !== null || node.state === 'dead') return 'bad';
  if (node.state === 'stale') return 'warning';
  const look = HEALTH_LOOK[healthOf(node)];
  return look === 'quiet' ? 'good' : look;
};

/** From here on a node should not wait: dead, unhealthy, interrupted. */
export const URGENT = 3;

/** How much a node needs somebody's attention: 0 not at all, 4 within two minutes. */
export const urgencyOf = (node: NodeView): number =>
  node.interruption !== null && node.state !== 'gone' ? 4 : LOUDNESS[lookOf(node)];
