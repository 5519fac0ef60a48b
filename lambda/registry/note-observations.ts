import type { AgentHealth, IdleSpell, WorkerRow } from '#contract';
import type { SeenLife } from './port.ts';
import { inPhase, key, toRow } from './rows.ts';
import { absent, all, any, atMost, type Condition, equals, type Update } from './store.ts';
import type { RowPorts } from './track-progress.ts';

/** A ready worker on the very instance that was observed. */
const isSeen = (life: SeenLife): Condition => all(inPhase(life, ['READY']), equals('instanceId', life.instanceId));

/** Without `updatedAt`: being looked at changes nothing about a worker. */
const note = async (
  { store }: Pick<RowPorts, 'store'>,
  { name }: SeenLife,
  update: Omit<Update, 'pk'>,
): Promise<WorkerRow | undefined> => {
  const item = await store.update({ ...update, pk: key.worker(name) });
  return item === undefined ? undefined : toRow(item);
};

/** Whoever has read another spell than the one that is there loses: no two warnings for one spell. */
export const noteIdle = async (
  ports: Pick<RowPorts, 'store'>,
  life: SeenLife,
  before: IdleSpell | undefined,
  after: IdleSpell | undefined,
): Promise<WorkerRow | undefined> => {
  const unchanged = before === undefined ? absent('idle') : equals('idle.observedAt', before.observedAt);
  const condition = all(isSeen(life), unchanged);
  if (after === undefined) return await note(ports, life, { remove: ['idle'], condition });
  const agentHealth: AgentHealth = { state: 'idle', observedAt: after.observedAt };
  return await note(ports, life, { set: { idle: after, agentHealth }, condition });
};

/** What was observed earlier than what is on record changes nothing. */
export const noteDead = async (
  ports: Pick<RowPorts, 'store'>,
  life: SeenLife,
  agentHealth: AgentHealth,
): Promise<WorkerRow | undefined> => {
  const later = any(absent('agentHealth'), atMost('agentHealth.observedAt', agentHealth.observedAt));
  return await note(ports, life, { set: { agentHealth }, condition: all(isSeen(life), later) });
};
