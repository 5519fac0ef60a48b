import type { DeadObservation, IdleObservation } from '../../../../../agent/control-plane/fleet/observation.ts';

const SEEN = {
  worker: 'gpu-1',
  fleet: 'carrierarr',
  generation: 'mf3k9x2a',
  instanceId: 'i-0123456789abcdef0',
  nebulaIp: '10.100.2.7',
  nodeId: 'ip-10-80-0-7',
  path: 'ok',
} as const;

export const anIdle = (overrides: Partial<IdleObservation> = {}): IdleObservation => ({
  kind: 'idle',
  ...SEEN,
  observedAt: new Date(),
  idleSeconds: 600,
  ...overrides,
});

export const aDead = (overrides: Partial<DeadObservation> = {}): DeadObservation => ({
  kind: 'dead',
  ...SEEN,
  observedAt: new Date(),
  lastSeen: new Date(Date.now() - 300_000),
  ...overrides,
});
