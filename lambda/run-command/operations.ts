import type { FleetSettings } from '#contract';
import type { Registry } from '../registry/port.ts';
import type { Clock } from '../shared/clock.ts';
import type { Operations } from '../shared/operation-handler.ts';
import { awaitOnline } from './await-online.ts';
import type { TellColdStart } from './cold-start-metrics.ts';
import { findHomelab } from './find-homelab.ts';
import { type NoteEnd, noteColdStart } from './note-cold-start.ts';
import { inHomelab, onWorkers, type Place } from './places.ts';
import { pollCommand } from './poll-command.ts';
import type { RunCommands } from './port.ts';
import { startCommand } from './start-command.ts';

interface CommandPorts {
  readonly commands: RunCommands;
  readonly clock: Clock;
}
export interface RunCommandPorts extends CommandPorts {
  readonly registry: Pick<Registry, 'find' | 'openCommand' | 'closeCommand' | 'recordColdStart'>;
  readonly tell: TellColdStart;
}
export interface HomelabCommandPorts extends CommandPorts {
  readonly registry: Pick<Registry, 'find' | 'openHomelabCommand' | 'closeHomelabCommand'>;
  /** What precedes a managed node's id in its ARN. */
  readonly arnPrefix: string;
}

type Shared = Pick<Operations<'run-command'>, 'start' | 'poll' | 'cancel'>;

/** No step in the homelab has anything to note. */
const noteNothing: NoteEnd = () => Promise.resolve();

const commandsAt = (
  place: Place,
  ports: CommandPorts & { readonly registry: Pick<Registry, 'find'>; readonly noteEnd: NoteEnd },
  settings: Pick<FleetSettings, 'fleet'>,
): Shared => ({
  start: (input) => startCommand({ ...ports, place, settings }, input),
  poll: (input) => pollCommand({ ...ports, place }, input),
  cancel: async ({ commandId }) => ({ cancelled: await ports.commands.cancel(commandId) }),
});

export const runCommandOperations = (
  ports: RunCommandPorts,
  settings: Pick<FleetSettings, 'fleet' | 'limits'>,
): Operations<'run-command'> => ({
  online: (input) => awaitOnline(ports, settings, input),
  ...commandsAt(onWorkers(ports.registry), { ...ports, noteEnd: noteColdStart(ports) }, settings),
});

export const homelabOperations = (
  ports: HomelabCommandPorts,
  settings: Pick<FleetSettings, 'fleet'>,
): Operations<'homelab'> => ({
  find: (input) => findHomelab({ ...ports, settings }, input),
  ...commandsAt(inHomelab(ports.registry), { ...ports, noteEnd: noteNothing }, settings),
});
