import type { ColdStart, OperationInput } from '#contract';
import { runCommandOperations } from '../../../lambda/run-command/operations.ts';
import type {
  AgentInformation,
  CommandRequest,
  Invocation,
  ManagedNode,
  RunCommands,
} from '../../../lambda/run-command/port.ts';
import { createManualClock, createMemoryRegistry } from '../../fake/memory-registry.ts';
import { aReservedLife, executionArn } from '../../fake/registry-builders.ts';
import { fleetSettings } from '../../support/fleet-settings.ts';

export const NAME = 'gpu-worker-001';
export const INSTANCE = 'i-0123456789abcdef0';
export const SETTINGS = fleetSettings();

/** Systems Manager with one instance: remembers what was sent and cancelled. */
export interface FakeRunCommands extends RunCommands {
  readonly sent: CommandRequest[];
  readonly cancelled: string[];
  readonly invocations: Map<string, Invocation>;
  information: AgentInformation | undefined;
  accepting: boolean;
  nodes: (ManagedNode & { readonly tags: Readonly<Record<string, string>> })[];
}

export const createFakeRunCommands = (overrides: Partial<FakeRunCommands> = {}): FakeRunCommands => {
  const fake: FakeRunCommands = {
    sent: [],
    cancelled: [],
    invocations: new Map(),
    information: { pingStatus: 'Online', version: '3.3.3572.0' },
    accepting: true,
    nodes: [],
    managed: async (tags) =>
      fake.nodes.filter((node) => Object.entries(tags).every(([key, value]) => node.tags[key] === value)),
    agent: async () => fake.information,
    send: async (request) => {
      if (!fake.accepting) return undefined;
      fake.sent.push(request);
      return `command-${fake.sent.length}`;
    },
    invocation: async (commandId) => fake.invocations.get(commandId),
    cancel: async (commandId) => {
      fake.cancelled.push(commandId);
      return true;
    },
    ...overrides,
  };
  return fake;
};

export const anInvocation = (overrides: Partial<Invocation> = {}): Invocation => ({
  status: 'Success',
  statusDetails: overrides.status ?? 'Success',
  exitCode: 0,
  stdout: '',
  stderr: '',
  ...overrides,
});

/** The line a step prints at its end. */
export const aVerdict = (overrides: Record<string, unknown> = {}): string =>
  `${JSON.stringify({ step: 'verify-nebula', ok: true, rc: 0, tail: '', ...overrides })}\n`;

export const aStart = (
  overrides: Partial<OperationInput<'run-command', 'start'>> = {},
): OperationInput<'run-command', 'start'> => ({
  name: NAME,
  generation: 'mhx0000a',
  execution: executionArn(`${NAME}-mhx0000a`),
  instanceId: INSTANCE,
  step: 'verify-nebula',
  parameters: { NebulaIp: '10.100.2.1', LighthouseIp: '10.100.0.1' },
  ...overrides,
});

export const aPoll = (
  overrides: Partial<OperationInput<'run-command', 'poll'>> = {},
): OperationInput<'run-command', 'poll'> => ({
  name: NAME,
  instanceId: INSTANCE,
  commandId: 'command-1',
  step: 'verify-nebula',
  since: Date.parse('2026-11-21T10:00:00.000Z'),
  ...overrides,
});

/** The operations on workers over fakes that keep state. */
export const setUp = () => {
  const clock = createManualClock();
  const registry = createMemoryRegistry({ clock });
  const commands = createFakeRunCommands();
  const since = clock.now().getTime();
  const told: { readonly role: string; readonly coldStart: ColdStart }[] = [];
  const tell = (role: string, coldStart: ColdStart) => void told.push({ role, coldStart });
  const operations = runCommandOperations({ commands, registry, clock, tell }, SETTINGS);
  return { clock, registry, commands, since, operations, told };
};

/** A worker whose row knows an open command. */
export const withOpenCommand = async () => {
  const world = setUp();
  const life = await aReservedLife(world.registry, NAME);
  const { commandId } = await world.operations.start(aStart(life));
  return { ...world, life, poll: aPoll({ commandId, since: world.since }) };
};
