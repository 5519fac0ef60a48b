import { PHASES, type Phase, WorkerRow } from '#contract';
import { ConfigurationError, OwnershipLostError } from '../shared/errors.ts';
import type { Life } from './port.ts';
import { all, type Condition, equals, type Item, oneOf } from './store.ts';

/** Where an address is: held by a worker's life or by an external certificate, or free since an instant. */
export interface AddressItem extends Item {
  readonly kind: 'ADDR';
  readonly address: string;
  readonly name: string;
  readonly generation: string;
  readonly state: 'held' | 'free';
  /** ISO 8601; only when free. */
  readonly freedAt?: string;
  /** ISO 8601; end of a hold that nobody releases. */
  readonly until?: string;
}

/** Which server a cluster has. Freed with the server's address; there is no cool-down, since nothing trusts the name. */
export interface ClusterItem extends Item {
  readonly kind: 'CLUSTER';
  readonly cluster: string;
  readonly name: string;
  readonly generation: string;
  readonly state: 'held' | 'free';
}

/** Generation of an address that an external certificate holds. */
export const EXTERNAL = 'external';

export interface ExecutionItem extends Item {
  readonly kind: 'EXEC';
  readonly name: string;
  readonly generation: string;
}

export const key = {
  worker: (name: string): string => `WORKER#${name}`,
  address: (address: string): string => `ADDR#${address}`,
  cluster: (cluster: string): string => `CLUSTER#${cluster}`,
  execution: (arn: string): string => `EXEC#${arn}`,
  certificate: (fingerprint: string): string => `CERT#${fingerprint}`,
  orphan: (id: string): string => `ORPHAN#${id}`,
};

export const heldAddress = (held: Pick<AddressItem, 'address' | 'name' | 'generation' | 'until'>): AddressItem => ({
  pk: key.address(held.address),
  kind: 'ADDR',
  state: 'held',
  ...held,
});

export const heldCluster = (held: Pick<ClusterItem, 'cluster' | 'name' | 'generation'>): ClusterItem => ({
  pk: key.cluster(held.cluster),
  kind: 'CLUSTER',
  state: 'held',
  ...held,
});

/** How long the row of a removed worker stays as history, and so how long a late duplicate of an event is recognised. */
export const HISTORY_SECONDS = 30 * 24 * 3600;

/** DynamoDB's time to live wants epoch seconds. */
export const timeToLive = (from: Date, seconds: number): number => Math.floor(from.getTime() / 1000) + seconds;

export const toItem = (row: WorkerRow): Item => ({ pk: key.worker(row.name), kind: 'WORKER', ...row });

/** @throws ConfigurationError when a newer or foreign program wrote the row */
export const toRow = (item: Item): WorkerRow => {
  const parsed = WorkerRow.safeParse(item);
  if (parsed.success) return parsed.data;
  throw new ConfigurationError({
    what: `registry row ${item.pk} is not of the form this version reads`,
    got: parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join(' | '),
    remedy: 'deploy the version that wrote the row, or correct the row by hand',
  });
};

export const isLife = (row: WorkerRow | undefined, life: Life): row is WorkerRow =>
  row !== undefined && row.generation === life.generation;

export const isLeaseLive = (row: WorkerRow, now: Date): boolean =>
  row.lease !== undefined && row.lease.expiresAt > now.toISOString();

/** Phases in which a provision may still change the row: neither fenced nor removed. */
export const PROVISIONING: readonly Phase[] = PHASES.slice(0, PHASES.indexOf('READY') + 1);

export const inPhase = (life: Life, phases: readonly Phase[]): Condition =>
  all(equals('generation', life.generation), oneOf('phase', phases));

export const describeRow = (row: WorkerRow | undefined): string =>
  row === undefined ? 'no such worker' : `generation ${row.generation} in phase ${row.phase}, owned by ${row.owner}`;

export const ownershipLost = (life: Life, row: WorkerRow | undefined): OwnershipLostError =>
  new OwnershipLostError({
    what: `worker ${life.name} no longer belongs to this life`,
    got: describeRow(row),
    allowed: `generation ${life.generation}, before its teardown`,
    remedy: 'none needed: whoever owns the worker now goes on; provision again when it is removed',
  });
