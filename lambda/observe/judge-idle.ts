import type { FleetSettings, IdleSpell, WorkerObservation, WorkerRow } from '#contract';

/**
 * When an idle worker is warned of and when it goes. A spell of idleness: the worker is seen idle for a while, warned of
 * once `idleWarningMinutes` before it has been idle for `idleMinutes`, and torn down after that at the next observation.
 */
export interface Verdict {
  /** `off`: idle workers stay, or this one is of a role that does. `early`: before the warning. `wait`: after it. */
  readonly verdict: 'earlier' | 'off' | 'early' | 'warn' | 'wait' | 'teardown';
  readonly spell: IdleSpell;
}

const MINUTE = 60_000;

/** Observations come every few minutes, not on the second: one that comes a moment early counts. */
const slackOf = ({ idleWarningMinutes }: FleetSettings['agent']): number =>
  Math.min(MINUTE, (idleWarningMinutes * MINUTE) / 5);

/**
 * The spell goes on unless the idleness now seen began well after the last look; agents say in steps of half a minute
 * since when they are idle. Half-way between its beginning and the last look tells the two apart.
 */
const goesOn = (spell: IdleSpell, since: number): boolean =>
  since <= (Date.parse(spell.since) + Date.parse(spell.observedAt)) / 2;

const instant = (milliseconds: number): string => new Date(milliseconds).toISOString();

/** Idleness counts from READY on: a worker is not to blame for how long it took to be made. */
const idleSince = (row: WorkerRow, observedAt: number, idleSeconds: number): number =>
  Math.max(observedAt - idleSeconds * 1000, Date.parse(row.readyAt ?? row.reservedAt));

export const judgeIdle = (
  agent: FleetSettings['agent'],
  row: WorkerRow,
  seen: Pick<WorkerObservation, 'observedAt' | 'idleSeconds'>,
  now: Date,
): Verdict => {
  const observedAt = Date.parse(seen.observedAt);
  const since = idleSince(row, observedAt, seen.idleSeconds ?? 0);
  const before = row.idle !== undefined && goesOn(row.idle, since) ? row.idle : undefined;
  const spell = { ...(before ?? { since: instant(since) }), observedAt: instant(observedAt) };
  if (row.idle !== undefined && observedAt <= Date.parse(row.idle.observedAt)) return { verdict: 'earlier', spell };
  if (agent.idleMinutes === 0 || row.role !== 'gpu-worker') return { verdict: 'off', spell };
  return judgeSpell(agent, spell, now.getTime());
};

const judgeSpell = (agent: FleetSettings['agent'], spell: IdleSpell, now: number): Verdict => {
  const slack = slackOf(agent);
  if (spell.teardownAt !== undefined) {
    return { verdict: now >= Date.parse(spell.teardownAt) - slack ? 'teardown' : 'wait', spell };
  }
  const since = Date.parse(spell.since);
  if (now < since + (agent.idleMinutes - agent.idleWarningMinutes) * MINUTE - slack) return { verdict: 'early', spell };
  const teardownAt = Math.max(since + agent.idleMinutes * MINUTE, now + agent.idleWarningMinutes * MINUTE);
  return { verdict: 'warn', spell: { ...spell, warnedAt: instant(now), teardownAt: instant(teardownAt) } };
};
