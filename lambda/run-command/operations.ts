import type { FleetSettings } from '#contract';
import type { Registry } from '../registry/port.ts';
import type { Clock } from '../shared/clock.ts';
import type { Operations } from '../shared/operation-handler.ts';
import { awaitOnline } from './await-online.ts';
import { pollCommand } from './poll-command.ts';
import type { RunCommands } from './port.ts';
import { startCommand } from './start-command.ts';

export interface RunCommandPorts {
  readonly commands: RunCommands;
  readonly registry: Pick<Registry, 'find' | 'openCommand' | 'closeCommand'>;
  readonly clock: Clock;
}

export const runCommandOperations = (
  ports: RunCommandPorts,
  settings: Pick<FleetSettings, 'fleet' | 'limits'>,
): Operations<'run-command'> => ({
  online: (input) => awaitOnline(ports, settings, input),
  start: (input) => startCommand(ports, settings, input),
  poll: (input) => pollCommand(ports, input),
  cancel: async ({ commandId, instanceId }) => ({ cancelled: await ports.commands.cancel(commandId, instanceId) }),
});
