import { LaunchFencedError } from '../shared/errors.ts';
import type { LaunchFacts, OwnedLife } from './port.ts';
import { describeRow, inPhase, isLife } from './rows.ts';
import { all, equals } from './store.ts';
import { findRow, type RowPorts, updateRow } from './track-progress.ts';

const fenced = async (ports: RowPorts, life: OwnedLife, what: string): Promise<LaunchFencedError> =>
  new LaunchFencedError({
    what: `${what} of worker ${life.name}`,
    got: describeRow(await findRow(ports, life.name)),
    allowed: `generation ${life.generation}, owned by ${life.execution}, not being torn down`,
    remedy: 'none needed: the teardown removes what is left; provision again when the worker is removed',
  });

/**
 * LAUNCHING before the call. LAUNCHED is admitted: a state that lost the answer of a launch that worked comes again,
 * and adopts the instance by its tags.
 */
export const beginLaunch = async (ports: RowPorts, life: OwnedLife): Promise<number> => {
  const row = await updateRow(ports, life.name, {
    set: { phase: 'LAUNCHING' },
    add: { launchAttempt: 1 },
    condition: all(inPhase(life, ['RESERVED', 'IDENTIFIED', 'LAUNCHING', 'LAUNCHED']), equals('owner', life.execution)),
  });
  if (row === undefined) throw await fenced(ports, life, 'a teardown or another owner came before the launch');
  return row.launchAttempt;
};

/** LAUNCHED after the call. The SDK may repeat a write whose answer was lost: what is already recorded so is no fence. */
export const recordLaunch = async (
  ports: RowPorts,
  life: OwnedLife,
  attempt: number,
  facts: LaunchFacts,
): Promise<void> => {
  const row = await updateRow(ports, life.name, {
    set: { ...facts, phase: 'LAUNCHED' },
    condition: all(inPhase(life, ['LAUNCHING']), equals('owner', life.execution), equals('launchAttempt', attempt)),
  });
  if (row !== undefined) return;
  const present = await findRow(ports, life.name);
  const recorded =
    isLife(present, life) &&
    present.phase === 'LAUNCHED' &&
    present.owner === life.execution &&
    present.launchAttempt === attempt &&
    present.instanceId === facts.instanceId;
  if (!recorded) throw await fenced(ports, life, 'a teardown or a later attempt came during the launch');
};
