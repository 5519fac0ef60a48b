import { EVENT, type IdleSpell, type IdleWarning, type WorkerObservation, type WorkerRow } from '#contract';
import type { SeenLife } from '../registry/port.ts';
import { viewWorker } from '../registry/view-worker.ts';
import { requestTeardown } from '../shared/doors/request-teardown.ts';
import { findObserved } from './find-observed.ts';
import { judgeIdle } from './judge-idle.ts';
import type { Observed, ObservePorts } from './ports.ts';

const lifeOf = ({ name, generation }: WorkerRow, { instanceId }: WorkerObservation): SeenLife => ({
  name,
  generation,
  instanceId,
});

const idleSecondsOf = ({ since }: IdleSpell, now: Date): number =>
  Math.max(0, Math.round((now.getTime() - Date.parse(since)) / 1000));

/**
 * The mark comes before the event, so that no repeat sends it twice; where the bus does not take the event the mark goes
 * again, so that none goes unwarned.
 */
const warn = async (
  { registry, publish, clock }: ObservePorts,
  life: SeenLife,
  row: WorkerRow,
  spell: IdleSpell,
): Promise<Observed> => {
  const { name } = life;
  const marked = await registry.noteIdle(life, row.idle, spell);
  if (marked === undefined) return { action: 'earlier', reason: 'another observation was faster', name };
  const teardownAt = spell.teardownAt ?? '';
  const detail: IdleWarning = { ...viewWorker(marked), idleSeconds: idleSecondsOf(spell, clock.now()), teardownAt };
  try {
    await publish({ source: EVENT.source, detailType: EVENT.workerIdleWarning, detail });
  } catch (error) {
    await registry.noteIdle(life, spell, row.idle);
    throw error;
  }
  return { action: 'warned', reason: `idle since ${spell.since}, to be torn down at ${teardownAt}`, name };
};

const tearDown = async (ports: ObservePorts, row: WorkerRow, spell: IdleSpell): Promise<Observed> => {
  const { name, generation } = row;
  const minutes = ports.settings.agent.idleMinutes;
  const text = `idle since ${spell.since}, warned of at ${spell.warnedAt}; agent.idleMinutes is ${minutes}`;
  const teardown = await requestTeardown(ports, { name, generation }, { reason: 'idle', text });
  if (teardown.outcome !== 'started') return { action: 'earlier', reason: `teardown is ${teardown.outcome}`, name };
  return { action: 'teardown', reason: text, name, execution: teardown.execution };
};

/** The bus delivers within seconds, or after retries much later. */
const LATE_MILLISECONDS = 2 * 60_000;

/**
 * Whether the observation was under way for so long that the worker may have got work since. By AWS' own clocks, so that
 * a homelab whose clock is off by minutes keeps its idle teardown.
 */
const isLate = (takenAt: string | undefined, now: Date): boolean =>
  takenAt !== undefined && now.getTime() - Date.parse(takenAt) > LATE_MILLISECONDS;

/**
 * What an idle worker has coming: nothing yet, a warning, or its teardown.
 * @param takenAt - when the bus took the event
 */
export const hearOfIdle = async (ports: ObservePorts, seen: WorkerObservation, takenAt?: string): Promise<Observed> => {
  const row = await findObserved(ports, seen);
  if (typeof row === 'string') return { action: 'ignored', reason: row, name: seen.worker };
  const { verdict, spell } = judgeIdle(ports.settings.agent, row, seen, ports.clock.now());
  const { name } = row;
  if (verdict === 'earlier') return { action: 'earlier', reason: 'a later observation is on record', name };
  const life = lifeOf(row, seen);
  if (verdict === 'warn') return await warn(ports, life, row, spell);
  const noted = await ports.registry.noteIdle(life, row.idle, spell);
  if (noted === undefined) return { action: 'earlier', reason: 'another observation was faster', name };
  if (verdict === 'teardown' && isLate(takenAt, ports.clock.now()))
    return { action: 'noted', reason: `idle since ${spell.since}, delivered late: the next observation decides`, name };
  if (verdict === 'teardown') return await tearDown(ports, row, spell);
  return { action: 'noted', reason: `idle since ${spell.since}: ${verdict}`, name };
};
