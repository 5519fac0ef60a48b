import { type TeardownRequest, teardownExecutionName, type WorkerRow } from '#contract';
import type { Registry, RemovalReason } from '../../registry/port.ts';
import { isLeaseLive } from '../../registry/rows.ts';
import type { Clock } from '../clock.ts';
import { type Executions, executionArn, type Machines } from './executions.ts';

export interface TeardownPorts {
  readonly registry: Pick<Registry, 'find' | 'nextTeardownAttempt'>;
  readonly executions: Pick<Executions, 'start'>;
  readonly machines: Machines;
  readonly clock: Pick<Clock, 'now'>;
}

export type TeardownOutcome =
  /** `started`: by this call. `running`: another teardown holds the lease, `execution` points to it. */
  | { readonly outcome: 'started' | 'running'; readonly row: WorkerRow; readonly execution: string }
  /** The life asked for is over; `row` is the name's last one. */
  | { readonly outcome: 'removed'; readonly row: WorkerRow }
  | { readonly outcome: 'absent' };

/**
 * Starts the teardown of a worker's life, whatever phase it is in. Starting two at once is harmless: the lease lets one
 * of them work.
 * @param why - kept on the worker and announced with its removal
 * @throws OwnershipLostError when the life ends in between
 */
export const requestTeardown = async (
  { registry, executions, machines, clock }: TeardownPorts,
  request: TeardownRequest,
  why?: RemovalReason,
): Promise<TeardownOutcome> => {
  const row = await registry.find(request.name);
  if (row === undefined) return { outcome: 'absent' };
  const over = request.generation !== undefined && request.generation !== row.generation;
  if (over || row.phase === 'REMOVED') return { outcome: 'removed', row };
  if (row.lease !== undefined && isLeaseLive(row, clock.now())) {
    return { outcome: 'running', row, execution: row.lease.holder };
  }
  const { name, generation } = row;
  const execution = teardownExecutionName(
    name,
    generation,
    await registry.nextTeardownAttempt({ name, generation }, why),
  );
  const input = JSON.stringify({ name, generation, deregisterAmi: request.deregisterAmi ?? false });
  await executions.start({ stateMachine: machines.teardown, name: execution, input });
  return { outcome: 'started', row, execution: executionArn(machines.teardown, execution) };
};
