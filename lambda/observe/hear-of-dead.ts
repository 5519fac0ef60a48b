import type { WorkerObservation } from '#contract';
import { executionArn } from '../shared/doors/executions.ts';
import { findObserved } from './find-observed.ts';
import type { Observed, ObservePorts } from './ports.ts';

/** One sweep looks at every worker: many that die at once need one. */
const sweepName = (now: Date): string => `dead-${now.toISOString().slice(0, 16).replace(/[-:]/g, '')}`;

/**
 * An agent that is silent proves nothing: the way may be gone, or the agent alone. What is shown is that it is silent,
 * and a sweep asks EC2, which knows, whether the instance is there.
 */
export const hearOfDead = async (ports: ObservePorts, seen: WorkerObservation): Promise<Observed> => {
  const row = await findObserved(ports, seen);
  const name = seen.worker;
  if (typeof row === 'string') return { action: 'ignored', reason: row, name };
  const { generation } = row;
  const { instanceId } = seen;
  const utc = (instant: string): string => new Date(instant).toISOString();
  await ports.registry.noteDead(
    { name, generation, instanceId },
    {
      state: 'dead',
      observedAt: utc(seen.observedAt),
      ...(seen.lastSeen === undefined ? {} : { lastSeen: utc(seen.lastSeen) }),
    },
  );
  const sweep = sweepName(ports.clock.now());
  const started = await ports.executions.start({ stateMachine: ports.sweepMachine, name: sweep, input: '{}' });
  const reason = `not heard of since ${seen.lastSeen ?? seen.observedAt}`;
  if (!started) return { action: 'noted', reason: `${reason}; this minute's sweep has run`, name };
  return { action: 'sweep', reason, name, execution: executionArn(ports.sweepMachine, sweep) };
};
