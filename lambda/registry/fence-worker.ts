import {
  LAUNCH_CONSISTENCY_SECONDS,
  LAUNCH_TIMEOUT_SECONDS,
  type OperationInput,
  type OperationOutput,
  type Phase,
  TEARDOWN_LEASE_SECONDS,
  type WorkerRow,
} from '#contract';
import type { Clock } from '../shared/clock.ts';
import { isStanding } from './await-cluster.ts';
import type { Registry } from './port.ts';

const LAUNCH_IN_FLIGHT_MILLISECONDS = (LAUNCH_TIMEOUT_SECONDS + LAUNCH_CONSISTENCY_SECONDS) * 1000;

/** Only a fence that met a launch has to wait for it: what that call makes shows up this much later at most. */
const proveAfter = (row: WorkerRow | undefined, now: Date): number => {
  if (row?.fencedAt === undefined) return now.getTime();
  const inFlight = row.fencedPhase === 'LAUNCHING' ? LAUNCH_IN_FLIGHT_MILLISECONDS : 0;
  return Date.parse(row.fencedAt) + inFlight;
};

/** Phases of a lighthouse from which on the homelab's Liqo may know its cluster. */
const KNOWN_TO_LIQO: readonly (Phase | undefined)[] = ['CLUSTERED', 'PEERED', 'READY'];

type FencePorts = {
  readonly registry: Pick<Registry, 'fence' | 'findServer'>;
  readonly clock: Pick<Clock, 'now'>;
};

/** A node may have joined as soon as its instance ran. A cluster whose server goes as well takes the node with it. */
const serverToLeave = async ({ registry }: FencePorts, row: WorkerRow): Promise<string> => {
  if (row.role !== 'gpu-worker' || row.instanceId === undefined) return '';
  const server = await registry.findServer(row.cluster);
  return server !== undefined && isStanding(server) ? (server.instanceId ?? '') : '';
};

/**
 * FenceWorker: from here on no step of the provision changes the row, and no other teardown works on it. The answer
 * holds all that the undoing steps need, empty where unknown.
 */
export const fenceWorker = async (
  ports: FencePorts,
  { name, generation, execution }: OperationInput<'registry', 'fence'>,
): Promise<OperationOutput<'registry', 'fence'>> => {
  const life = { name, generation: generation === '' ? undefined : generation };
  const { outcome, row } = await ports.registry.fence(life, execution, TEARDOWN_LEASE_SECONDS);
  const fenced = outcome === 'fenced' ? row : undefined;
  return {
    outcome,
    name,
    generation: row?.generation ?? generation,
    instanceId: row?.instanceId ?? '',
    commandId: row?.openCommand?.commandId ?? '',
    amiId: row?.launchedAmiId ?? '',
    holder: row?.lease?.holder ?? '',
    role: row?.role ?? '',
    address: row?.address ?? '',
    publicIp: row?.publicIp ?? '',
    cluster: row?.cluster ?? '',
    serverInstanceId: fenced === undefined ? '' : await serverToLeave(ports, fenced),
    peered: fenced?.role === 'lighthouse' && KNOWN_TO_LIQO.includes(fenced.fencedPhase),
    homelabInstanceId: row?.openHomelabCommand?.instanceId ?? '',
    homelabCommandId: row?.openHomelabCommand?.commandId ?? '',
    proveAfter: proveAfter(row, ports.clock.now()),
  };
};
