import type { OperationOutput } from '#contract';
import type { SweepPorts } from './ports.ts';

export type Finding = OperationOutput<'sweep', 'sweep'>['findings'][number];

/** Something the sweep would take away, and how. */
export interface Candidate {
  readonly kind: Finding['kind'];
  readonly id: string;
  readonly worker: string;
  readonly reason: string;
  /** What the action, once taken, is called. */
  readonly action: Finding['action'];
  /** A human asked to leave it. */
  readonly kept?: boolean;
  /** Facts that cannot be a matter of timing (a lease run out, an execution closed) need no second look. */
  readonly looks: 1 | 2;
  /** Looks once more, right before the action. */
  readonly stillTrue: () => Promise<boolean>;
  /** @returns another action where it found nothing to do */
  readonly act: () => Promise<Finding['action']>;
}

export interface Sweep {
  readonly dryRun: boolean;
  readonly startedAt: Date;
}

type ConfirmPorts = Pick<SweepPorts, 'registry' | 'clock' | 'log' | 'settings'>;

/** The second look comes in a later run, and not right after the first when somebody sweeps by hand. */
const SECOND_LOOK_SECONDS = 60;

const isSecondLook = async (
  { registry, clock, settings }: ConfirmPorts,
  id: string,
  sweep: Sweep,
): Promise<boolean> => {
  const firstSeen = (await registry.noticeOrphan(id)).getTime();
  const pauseSeconds = Math.min(SECOND_LOOK_SECONDS, settings.limits.sweepMinimumAgeSeconds);
  return firstSeen < sweep.startedAt.getTime() && clock.now().getTime() - firstSeen >= pauseSeconds * 1000;
};

const treat = async (ports: ConfirmPorts, candidate: Candidate, sweep: Sweep): Promise<Finding['action']> => {
  if (sweep.dryRun || candidate.kept === true) return 'none';
  if (candidate.looks === 2 && !(await isSecondLook(ports, candidate.id, sweep))) return 'marked';
  const action = (await candidate.stillTrue()) ? await candidate.act() : 'none';
  await ports.registry.forgetOrphan(candidate.id);
  return action;
};

/** Never throws: what goes wrong with one item is that item's business. */
export const confirmFinding = async (ports: ConfirmPorts, candidate: Candidate, sweep: Sweep): Promise<Finding> => {
  const { kind, id, worker, kept } = candidate;
  const reason = kept === true ? `${candidate.reason}; kept by its tag` : candidate.reason;
  try {
    return { kind, id, worker, reason, action: await treat(ports, candidate, sweep), error: '' };
  } catch (error) {
    ports.log.error('one item of the sweep failed', error as Error);
    return { kind, id, worker, reason, action: 'none', error: String(error) };
  }
};
