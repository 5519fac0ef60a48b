import { type OperationOutput, Worker, type WorkerRow } from '#contract';
import { OwnershipLostError } from '../shared/errors.ts';
import { normaliseRequest, type RequestSettings } from './normalise-request.ts';
import type { Registry, ReserveOutcome } from './port.ts';

export interface ReservePorts {
  readonly registry: Pick<Registry, 'find' | 'byExecution' | 'reserve'>;
  readonly settings: RequestSettings;
  /** 0 ≤ value < 1. */
  readonly random: () => number;
}

type Output = OperationOutput<'registry', 'reserve'>;

const MAXIMUM_DRAWS = 5;

const reserved = (row: WorkerRow): Output => ({ outcome: 'reserved', worker: Worker.parse(row) });

/** What this execution has claimed before: a door did it in its name, or an answer was lost. */
const findOwn = async ({ registry }: ReservePorts, execution: string): Promise<Output | undefined> => {
  const life = await registry.byExecution(execution);
  if (life === undefined) return undefined;
  const row = await registry.find(life.name);
  const over = row === undefined || row.generation !== life.generation;
  if (!over && row.phase !== 'TEARING_DOWN' && row.phase !== 'REMOVED') return reserved(row);
  throw new OwnershipLostError({
    what: `worker ${life.name} of this execution has been torn down`,
    got: over ? 'another life of that name' : `phase ${row.phase}`,
    allowed: 'a worker before its teardown',
    remedy: 'start a new execution instead of redriving an old one',
  });
};

const claim = async (ports: ReservePorts, execution: string, request: unknown): Promise<ReserveOutcome> => {
  for (let draws = 1; ; draws += 1) {
    const { worker, address, requestHash, input, drawn } = normaliseRequest(request, ports.settings, ports.random);
    const asked = address === undefined ? {} : { address };
    const reservation = { worker, ...asked, requestHash, input, owner: () => execution };
    const outcome = await ports.registry.reserve(reservation);
    if (outcome.outcome === 'reserved' || !drawn || draws === MAXIMUM_DRAWS) return outcome;
  }
};

/**
 * ReserveWorker: the worker this execution owns. A name that belongs to another execution is no error but a pointer, so
 * that it never leads into a roll-back.
 * @throws InputError, AddressError, ClusterConflictError, OwnershipLostError
 */
export const reserveForExecution = async (
  ports: ReservePorts,
  { execution, request }: { execution: string; request: unknown },
): Promise<Output> => {
  const own = await findOwn(ports, execution);
  if (own !== undefined) return own;
  const { row } = await claim(ports, execution, request);
  if (row.owner === execution) return reserved(row);
  const { name, generation, owner, phase } = row;
  return { outcome: 'taken', name, generation, owner, phase };
};
