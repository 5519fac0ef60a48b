import type { Life, OwnedLife, Registry } from './port.ts';
import { inPhase, ownershipLost, PROVISIONING } from './rows.ts';
import { all, any, type Condition, equals } from './store.ts';
import { findRow, type RowPorts, updateRow } from './track-progress.ts';

type Attribute = 'openCommand' | 'openHomelabCommand';

/** Before a fence every machine of the fleet may run a step on a worker, afterwards only the teardown at work. */
const mayRun = (life: OwnedLife): Condition =>
  any(inPhase(life, PROVISIONING), all(inPhase(life, ['TEARING_DOWN']), equals('lease.holder', life.execution)));

const open = async (
  ports: RowPorts,
  life: OwnedLife,
  attribute: Attribute,
  command: Readonly<Record<string, string>>,
): Promise<void> => {
  const row = await updateRow(ports, life.name, { set: { [attribute]: command }, condition: mayRun(life) });
  if (row === undefined) throw ownershipLost(life, await findRow(ports, life.name));
};

/** Another command that is open by now stays. */
const close = async (ports: RowPorts, life: Life, attribute: Attribute, commandId: string): Promise<void> => {
  const condition = all(equals('generation', life.generation), equals(`${attribute}.commandId`, commandId));
  await updateRow(ports, life.name, { remove: [attribute], condition });
};

type Commands = Pick<Registry, 'openCommand' | 'closeCommand' | 'openHomelabCommand' | 'closeHomelabCommand'>;

/** A worker has at most one open command on its own node and one on the homelab's: both run side by side. */
export const commands = (ports: RowPorts): Commands => ({
  openCommand: (life, { commandId, step }) => open(ports, life, 'openCommand', { commandId, step }),
  closeCommand: (life, commandId) => close(ports, life, 'openCommand', commandId),
  openHomelabCommand: (life, { commandId, step, instanceId }) =>
    open(ports, life, 'openHomelabCommand', { commandId, step, instanceId }),
  closeHomelabCommand: (life, commandId) => close(ports, life, 'openHomelabCommand', commandId),
});
