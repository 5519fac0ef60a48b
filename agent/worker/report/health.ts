import { HealthState, ServiceState } from '../../proto/generated/ec2agent/v1/agent_pb.js';
import type { NodeTypeName } from '../ports.ts';
import type { Gpus } from './gpus.ts';
import type { ServiceStatusInit } from './units.ts';

export interface Judged {
  readonly nebula: ServiceStatusInit;
  readonly k3s: ServiceStatusInit;
  readonly ollama: ServiceStatusInit;
  readonly liqo: ServiceStatusInit;
  readonly gpus: Gpus;
}

const { RUNNING, NOT_INSTALLED, UNSPECIFIED } = ServiceState;

const isDegraded = (nodeType: NodeTypeName, { ollama, liqo, gpus }: Judged): boolean => {
  if (nodeType === 'gpu-worker') return ollama.state !== RUNNING || gpus.kind === 'unknown';
  if (nodeType === 'lighthouse') return liqo.state !== RUNNING && liqo.state !== NOT_INSTALLED;
  return false;
};

/**
 * The known agent's rule: without the mesh or its cluster a node is unhealthy, without what its role is for degraded.
 * Ours on top: a GPU that does not answer degrades a gpu-worker; where the mesh's or the cluster's state is unknown, so
 * is the health.
 */
export const healthOf = (nodeType: NodeTypeName, judged: Judged): HealthState => {
  const { nebula, k3s } = judged;
  if (nebula.state === UNSPECIFIED || k3s.state === UNSPECIFIED) return HealthState.UNSPECIFIED;
  if (nebula.state !== RUNNING) return HealthState.UNHEALTHY;
  if (k3s.state !== RUNNING && k3s.state !== NOT_INSTALLED) return HealthState.UNHEALTHY;
  return isDegraded(nodeType, judged) ? HealthState.DEGRADED : HealthState.HEALTHY;
};
