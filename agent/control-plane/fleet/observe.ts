import type { Clock } from '../clock.ts';
import type { PathState } from '../views.ts';
import type { FleetLimits } from './judge.ts';
import type { LiveNode } from './node.ts';
import type { FleetObserver } from './observation.ts';

interface Deps {
  readonly clock: Clock;
  readonly limits: FleetLimits;
  readonly observer: FleetObserver;
}

const observed = ({ record }: LiveNode, path: PathState, now: Date) => ({
  worker: record.worker,
  fleet: record.fleet,
  generation: record.generation,
  instanceId: record.instanceId,
  nebulaIp: record.nebulaIp,
  nodeId: record.id,
  observedAt: now,
  path,
});

/** Called with each status, so that nobody is called idle on old news. */
export const observeIdle = (node: LiveNode, path: PathState, { clock, limits, observer }: Deps): void => {
  const idleSeconds = node.record.status?.status.idle_seconds ?? 0;
  if (node.record.worker === '' || idleSeconds * 1000 < limits.idleAfter) {
    node.nextIdle = undefined;
    return;
  }
  const now = clock.monotonic();
  if (node.nextIdle !== undefined && now < node.nextIdle) return;
  node.nextIdle = now + limits.idleEvery;
  observer.observe({ kind: 'idle', ...observed(node, path, clock.now()), idleSeconds });
};

/** Called with each sweep. */
export const observeDead = (node: LiveNode, path: PathState, { clock, limits, observer }: Deps): void => {
  const now = clock.monotonic();
  if (node.record.state !== 'dead' || node.nextDead === undefined || now < node.nextDead) return;
  node.nextDead = now + limits.deadEvery;
  if (node.record.worker === '') return;
  const lastSeen = new Date(node.record.lastSeen);
  observer.observe({ kind: 'dead', ...observed(node, path, clock.now()), lastSeen });
};
