import { createHash } from 'node:crypto';
import * as z from 'zod';
import { EVENT, ScaleInDetail, ScaleOutDetail } from '#contract';
import { requestTeardown } from '../shared/doors/request-teardown.ts';
import { requestWorker, resumeWorker, type WorkerPorts } from '../shared/doors/request-worker.ts';
import { PartialFailureError } from '../shared/errors.ts';
import { parseInput } from '../shared/input.ts';

/** What became of one worker of an event. `earlier`: an earlier delivery, or a teardown before it, settled it. */
export interface Scaled {
  readonly name: string;
  readonly action: 'started' | 'exists' | 'teardown' | 'earlier';
}

const base = { id: z.string().min(1), time: z.iso.datetime({ offset: true }) };
const ScaleEvent = z.discriminatedUnion('detail-type', [
  z.looseObject({ ...base, 'detail-type': z.literal(EVENT.scaleOutRequested), detail: ScaleOutDetail }),
  z.looseObject({ ...base, 'detail-type': z.literal(EVENT.scaleInRequested), detail: ScaleInDetail }),
]);
type ScaleEvent = z.output<typeof ScaleEvent>;

const CONCURRENCY = 10;
/** An event's time is cut to seconds. */
const TIME_RESOLUTION_MILLISECONDS = 1000;

/** Names follow from the event, so that its duplicates mean the same workers. */
export const scaledNames = (id: string, role: string, count: number): string[] => {
  const hash = createHash('sha256').update(id).digest('hex').slice(0, 8);
  return Array.from({ length: count }, (_, index) => `${role}-${hash}-${index + 1}`);
};

/**
 * The row is the memory of the event: it stays for 30 days after the worker's removal, so that a late duplicate does
 * not bring back what came and went.
 */
const scaleOut = async (ports: WorkerPorts, name: string, request: object): Promise<Scaled> => {
  const row = await ports.registry.find(name);
  if (row === undefined) return { name, action: (await requestWorker(ports, { ...request, name })).outcome };
  if (row.phase === 'REMOVED' || row.phase === 'TEARING_DOWN') return { name, action: 'earlier' };
  return { name, action: (await resumeWorker(ports, row)).outcome };
};

/** A worker reserved after the event was sent is a later life of the name: the event did not mean it. */
const scaleIn = async (ports: WorkerPorts, name: string, sentAt: Date): Promise<Scaled> => {
  const row = await ports.registry.find(name);
  const later = row !== undefined && Date.parse(row.reservedAt) >= sentAt.getTime() + TIME_RESOLUTION_MILLISECONDS;
  if (row === undefined || later || row.phase === 'REMOVED') return { name, action: 'earlier' };
  const why = {
    reason: 'scale-in',
    text: `asked for by ${EVENT.scaleInRequested} of ${sentAt.toISOString()}`,
  } as const;
  const { outcome } = await requestTeardown(ports, { name, generation: row.generation }, why);
  return { name, action: outcome === 'started' ? 'teardown' : 'earlier' };
};

const tasksOf = (ports: WorkerPorts, event: ScaleEvent): { name: string; run: () => Promise<Scaled> }[] => {
  if (event['detail-type'] === EVENT.scaleInRequested) {
    const sentAt = new Date(event.time);
    return [...new Set(event.detail.names)].map((name) => ({ name, run: () => scaleIn(ports, name, sentAt) }));
  }
  const { count, requestId, ...request } = event.detail;
  const role = request.role ?? 'gpu-worker';
  const names = scaledNames(requestId ?? event.id, role, count);
  return names.map((name) => ({ name, run: () => scaleOut(ports, name, { ...request, role }) }));
};

/**
 * Brings the fleet to what an event asks for, each worker on its own. Safe to repeat.
 * @throws InputError for an event that is malformed
 * @throws PartialFailureError after all were tried, naming those that failed, so that the delivery is repeated
 */
export const scaleFleet = async (ports: WorkerPorts, input: unknown): Promise<Scaled[]> => {
  const tasks = tasksOf(ports, parseInput(ScaleEvent, input));
  const scaled: Scaled[] = [];
  const failures: string[] = [];
  const waiting = tasks.values();
  const work = async (): Promise<void> => {
    for (const { name, run } of waiting) {
      try {
        scaled.push(await run());
      } catch (error) {
        failures.push(`${name}: ${error instanceof Error ? `${error.name}: ${error.message}` : String(error)}`);
      }
    }
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, work));
  if (failures.length === 0) return scaled;
  throw new PartialFailureError({
    what: `${failures.length} of ${tasks.length} workers failed`,
    got: failures.sort().join(' | '),
    remedy: 'none at first: the event is delivered again, then kept in the dead-letter queue; repeating it is safe',
  });
};
