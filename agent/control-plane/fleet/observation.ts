import type { PathState } from '../views.ts';

/** Who was observed; only nodes that carry a worker's name are. */
interface Observed {
  readonly worker: string;
  /** Empty where the agent does not know it. */
  readonly fleet: string;
  /** Empty where the agent does not know it. */
  readonly generation: string;
  readonly instanceId: string;
  readonly nebulaIp: string;
  readonly nodeId: string;
  readonly observedAt: Date;
  /** `suspect`: everybody fell silent at once, which says more of the way than of the worker. */
  readonly path: PathState;
}

/** Told after five minutes of idleness, and again every five minutes while it lasts. */
export interface IdleObservation extends Observed {
  readonly kind: 'idle';
  readonly idleSeconds: number;
}

/** Told once when a worker is dead, and again every hour until it returns or is forgotten. */
export interface DeadObservation extends Observed {
  readonly kind: 'dead';
  readonly lastSeen: Date;
}

export type Observation = IdleObservation | DeadObservation;

/** Whoever hands observations on to AWS. Never blocks and never throws: the fleet does not wait for it. */
export interface FleetObserver {
  observe(observation: Observation): void;
}
