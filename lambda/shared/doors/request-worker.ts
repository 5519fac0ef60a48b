import { provisionExecutionName, type WorkerRow } from '#contract';
import { normaliseRequest, type RequestSettings } from '../../registry/normalise-request.ts';
import type { Registry, ReserveOutcome } from '../../registry/port.ts';
import { NameConflictError } from '../errors.ts';
import type { Log } from '../logging.ts';
import { type Executions, provisionExecutionArn } from './executions.ts';
import { requestTeardown, type TeardownPorts } from './request-teardown.ts';

export interface WorkerPorts extends TeardownPorts {
  readonly registry: Pick<Registry, 'find' | 'nextTeardownAttempt' | 'reserve' | 'fence' | 'markRemoved'>;
  readonly executions: Executions;
  readonly settings: RequestSettings;
  /** 0 ≤ value < 1. */
  readonly random: () => number;
  readonly log: Pick<Log, 'error'>;
}

export interface WorkerAnswer {
  /** `started` by this call; `exists`: the same was asked for before. */
  readonly outcome: 'started' | 'exists';
  readonly row: WorkerRow;
}

/** Names drawn at random meet somebody once in 60 million. */
const MAXIMUM_DRAWS = 5;
const UNDO_LEASE_SECONDS = 60;

const conflict = (row: WorkerRow, what: string, got: string, remedy: string): NameConflictError =>
  new NameConflictError({
    what: `worker ${row.name} ${what}`,
    got,
    allowed: `a free name, or for ${row.name} the same parameters as before: ${row.input}`,
    remedy,
  });

const start = async ({ executions, machines }: WorkerPorts, row: WorkerRow): Promise<boolean> =>
  await executions.start({
    stateMachine: machines.provision,
    name: provisionExecutionName(row.name, row.generation),
    input: row.input,
  });

/**
 * Takes a reservation back whose execution could not be started and whose drawn name nobody will ask for again. Had it
 * been started after all, its first state finds that the worker is no longer its own. A name that was given stays
 * reserved: the caller's next try, or the sweep, finds it.
 */
const undo = async ({ registry, log }: WorkerPorts, row: WorkerRow): Promise<void> => {
  const life = { name: row.name, generation: row.generation };
  try {
    await registry.fence(life, row.owner, UNDO_LEASE_SECONDS);
    await registry.markRemoved(life, row.owner);
  } catch (error) {
    log.error('reservation without an execution stays until the sweep', error as Error);
  }
};

const begin = async (ports: WorkerPorts, row: WorkerRow, drawn: boolean): Promise<WorkerAnswer> => {
  try {
    await start(ports, row);
    return { outcome: 'started', row };
  } catch (error) {
    if (drawn) await undo(ports, row);
    throw error;
  }
};

/** Whether the provision of this row goes on or has ended well; a reservation that was never started is started. */
const isAlive = async (ports: WorkerPorts, row: WorkerRow): Promise<boolean> => {
  if (row.phase === 'READY') return true;
  if (row.phase === 'TEARING_DOWN') return false;
  const ownedByDoor = row.owner === provisionExecutionArn(ports.machines, row.name, row.generation);
  if (row.phase === 'RESERVED' && ownedByDoor && (await start(ports, row))) return true;
  return (await ports.executions.status(row.owner)) === 'open';
};

/**
 * Answers for a worker that was asked for before. One whose provision ended badly and was not undone is torn down now.
 * @throws NameConflictError while it is being removed
 */
export const resumeWorker = async (ports: WorkerPorts, row: WorkerRow): Promise<WorkerAnswer> => {
  if (await isAlive(ports, row)) return { outcome: 'exists', row };
  const teardown = await requestTeardown(
    ports,
    { name: row.name, generation: row.generation },
    { reason: 'failed', text: `its provision ended in phase ${row.phase} and was not undone` },
  );
  const execution = 'execution' in teardown ? teardown.execution : 'its teardown has ended';
  const remedy = `wait until ${row.name} is removed, then send the request again`;
  throw conflict(row, 'is being removed', `phase ${row.phase}, teardown: ${execution}`, remedy);
};

const reserve = async (ports: WorkerPorts, request: unknown): Promise<ReserveOutcome & { drawn: boolean }> => {
  const { drawn, worker, address, requestHash, input } = normaliseRequest(request, ports.settings, ports.random);
  const owner = (generation: string) => provisionExecutionArn(ports.machines, worker.name, generation);
  const asked = address === undefined ? {} : { address };
  return { ...(await ports.registry.reserve({ worker, ...asked, requestHash, input, owner })), drawn };
};

/**
 * The one way in for every door: reserves name and address, then starts the provision with the stored input, so that a
 * repeat starts the same execution.
 * @throws InputError, AddressError, ClusterConflictError, NameConflictError
 */
export const requestWorker = async (ports: WorkerPorts, request: unknown): Promise<WorkerAnswer> => {
  for (let draws = 1; ; draws += 1) {
    const { outcome, row, drawn } = await reserve(ports, request);
    if (outcome === 'reserved') return await begin(ports, row, drawn);
    if (!drawn && outcome === 'existing') return await resumeWorker(ports, row);
    if (drawn && draws < MAXIMUM_DRAWS) continue;
    const remedy = `choose another name, or tear ${row.name} down first`;
    throw conflict(row, 'exists with other parameters', JSON.stringify(request).slice(0, 500), remedy);
  }
};
