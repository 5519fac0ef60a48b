import type { WorkerRow, WorkerView } from '#contract';

const isLeaving = ({ phase }: WorkerRow): boolean => phase === 'TEARING_DOWN' || phase === 'REMOVED';

/** A worker as the API and the events show it. */
export const viewWorker = (row: WorkerRow): WorkerView => ({
  name: row.name,
  role: row.role,
  phase: row.phase,
  address: row.address,
  generation: row.generation,
  execution: row.owner,
  instanceId: row.instanceId ?? null,
  instanceType: row.instanceType ?? null,
  market: row.launchedMarket ?? null,
  availabilityZone: row.availabilityZone ?? null,
  publicIp: row.publicIp ?? null,
  cluster: row.cluster,
  details: row.details ?? {},
  coldStart: row.coldStart ?? null,
  certificateFingerprint: row.certificateFingerprint ?? null,
  certificateNotAfter: row.certificateNotAfter ?? null,
  failure: row.failure ?? null,
  agentHealth: row.agentHealth ?? null,
  idle: row.idle ?? null,
  // Of a teardown that could not be started nobody need hear.
  removal: (isLeaving(row) ? row.removal : undefined) ?? null,
  reservedAt: row.reservedAt,
  updatedAt: row.updatedAt,
});
