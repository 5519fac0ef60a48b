import * as z from 'zod';
import { GENERATION_PATTERN, type WorkerRow } from '#contract';
import type { Life, Registry } from '../registry/port.ts';
import type { Executions } from '../shared/doors/executions.ts';
import { requestTeardown, type TeardownPorts } from '../shared/doors/request-teardown.ts';
import { parseInput } from '../shared/input.ts';

export interface RescuePorts extends TeardownPorts {
  readonly registry: Pick<
    Registry,
    'find' | 'list' | 'byExecution' | 'nextTeardownAttempt' | 'recordFailure' | 'releaseLease'
  >;
  readonly executions: Executions;
}

/** What was done for an execution that ended badly, and why. */
export interface Rescue {
  readonly action: 'none' | 'gave-up' | 'teardown';
  readonly reason: string;
  readonly name?: string;
  readonly execution?: string;
}

const StatusChange = z.looseObject({
  detail: z.looseObject({
    executionArn: z.string(),
    stateMachineArn: z.string(),
    name: z.string(),
    status: z.enum(['FAILED', 'TIMED_OUT', 'ABORTED']),
    error: z.string().nullish(),
    cause: z.string().nullish(),
  }),
});
type Ended = z.output<typeof StatusChange>['detail'];

/** A teardown that keeps failing is left to the sweep and to people: its alarm has rung by then. */
const MAXIMUM_TEARDOWNS = 3;

const TEARDOWN_NAME = /^(?<name>.+)-(?<generation>[0-9a-z]+)-t[0-9]+$/;

/** The name says whose teardown it was; one started in the console has a name of its own, and is known by its lease. */
const lifeOfTeardown = async ({ registry }: RescuePorts, ended: Ended): Promise<Life | undefined> => {
  const { name, generation } = TEARDOWN_NAME.exec(ended.name)?.groups ?? {};
  if (name !== undefined && generation !== undefined && GENERATION_PATTERN.test(generation)) {
    return { name, generation };
  }
  return (await registry.list()).find(({ lease }) => lease?.holder === ended.executionArn);
};

/** Never by the event's input, which may have been left out, nor by name: a duplicate owns nothing. */
const lifeOf = async (ports: RescuePorts, ended: Ended): Promise<Life | undefined> => {
  if (ended.stateMachineArn === ports.machines.provision) return await ports.registry.byExecution(ended.executionArn);
  if (ended.stateMachineArn === ports.machines.teardown) return await lifeOfTeardown(ports, ended);
  return undefined;
};

/**
 * READY is the provision's last word: stopped or out of time after it, the worker is good and known. With a failure on
 * record, or FAILED, the provision had begun to undo it.
 */
const isGood = (row: WorkerRow, ended: Ended): boolean =>
  row.phase === 'READY' && ended.status !== 'FAILED' && row.failure === undefined;

const reasonToLeave = (ports: RescuePorts, row: WorkerRow, life: Life, ended: Ended): string | undefined => {
  if (row.generation !== life.generation) return 'a later life has the name';
  if (row.phase === 'REMOVED') return 'the worker is removed';
  if (ended.stateMachineArn === ports.machines.teardown) return undefined;
  if (row.owner !== ended.executionArn) return 'another execution owns the worker';
  return isGood(row, ended) ? 'the worker is ready' : undefined;
};

/** True when somebody alive is at the teardown; the lease of a dead one is released. */
const isBeingTornDown = async (ports: RescuePorts, row: WorkerRow, ended: Ended): Promise<boolean> => {
  const holder = row.lease?.holder;
  if (holder === undefined) return false;
  if (holder !== ended.executionArn && (await ports.executions.status(holder)) === 'open') return true;
  await ports.registry.releaseLease(row, holder);
  return false;
};

/** The worker shows why it went, unless a failure is on record already. */
const recordEnd = async ({ registry, machines }: RescuePorts, row: WorkerRow, ended: Ended): Promise<void> => {
  if (ended.stateMachineArn !== machines.provision) return;
  const error = ended.error ?? `Execution.${ended.status}`;
  const cause = (ended.cause ?? `the provision ended as ${ended.status} before it could undo itself`).slice(0, 4000);
  const { name, generation, owner } = row;
  await registry.recordFailure({ name, generation, execution: owner }, { error, cause });
};

/**
 * Starts the teardown of a worker whose provision or teardown ended without undoing it: nothing inside an execution can
 * catch that it is stopped or runs out of time.
 */
export const rescueWorker = async (ports: RescuePorts, input: unknown): Promise<Rescue> => {
  const { detail: ended } = parseInput(StatusChange, input);
  const life = await lifeOf(ports, ended);
  if (life === undefined) return { action: 'none', reason: 'the execution owns no worker' };
  const { name } = life;
  const row = await ports.registry.find(name);
  if (row === undefined) return { action: 'none', reason: 'the worker is not in the registry', name };
  const left = reasonToLeave(ports, row, life, ended);
  if (left !== undefined) return { action: 'none', reason: left, name };
  if (await isBeingTornDown(ports, row, ended)) return { action: 'none', reason: 'a teardown is at it', name };
  await recordEnd(ports, row, ended);
  if (row.teardownAttempt >= MAXIMUM_TEARDOWNS) {
    return { action: 'gave-up', reason: `${row.teardownAttempt} teardowns were started`, name };
  }
  const reason = `${ended.status} in phase ${row.phase}`;
  const why = { reason: 'failed', text: `an execution ended: ${reason}` } as const;
  const teardown = await requestTeardown(ports, { name, generation: row.generation }, why);
  if (teardown.outcome !== 'started') return { action: 'none', reason: `teardown is ${teardown.outcome}`, name };
  return { action: 'teardown', reason, name, execution: teardown.execution };
};
