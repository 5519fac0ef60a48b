import {
  type ClusterServer,
  type FleetSettings,
  NO_SERVER,
  type OperationInput,
  type OperationOutput,
  type Phase,
  type WorkerRow,
} from '#contract';
import type { Clock } from '../shared/clock.ts';
import { ClusterUnavailableError } from '../shared/errors.ts';
import type { Registry } from './port.ts';

export interface ClusterPorts {
  readonly registry: Pick<Registry, 'findServer'>;
  readonly clock: Pick<Clock, 'now'>;
  readonly settings: { readonly limits: Pick<FleetSettings['limits'], 'clusterSeconds'> };
}

type Input = OperationInput<'registry', 'cluster'>;

/**
 * Whoever asks for a server and a worker at once may see the worker looked at first: so long a cluster without a server
 * is no fault yet.
 */
const FIRST_LOOKS_SECONDS = 10;

const STANDING: readonly Phase[] = ['CLUSTERED', 'PEERED', 'READY'];

/** A cluster that stands: others may join it, and leave it. */
export const isStanding = (server: WorkerRow): boolean => STANDING.includes(server.phase);

const describe = (server: WorkerRow): ClusterServer => ({
  cluster: server.cluster,
  server: server.name,
  instanceId: server.instanceId ?? '',
  privateIp: server.privateIp ?? '',
  meshIp: server.address,
  caHash: server.details?.caHash ?? '',
  secretArn: server.secretArn ?? '',
});

/** Why there is nothing to wait for. */
const hopeless = (server: WorkerRow | undefined): string | undefined => {
  if (server === undefined) return 'no lighthouse has it';
  if (server.phase === 'TEARING_DOWN') return `its server ${server.name} is being torn down`;
  return server.failure && `its server ${server.name} has failed: ${server.failure.error}`;
};

const unavailable = ({ name, cluster }: Input, got: string, allowed: string): ClusterUnavailableError =>
  new ClusterUnavailableError({
    what: `${name} cannot join cluster ${cluster}`,
    got,
    allowed,
    remedy: 'provision a lighthouse for the cluster first, or name a cluster that stands; nothing has been launched',
  });

/**
 * One look at whether a cluster can be joined: before anything that costs, since a node without a server is of no use.
 * @throws ClusterUnavailableError where there is no server to wait for after the first looks, or none that stands
 * within `limits.clusterSeconds`
 */
export const awaitCluster = async (
  { registry, clock, settings }: ClusterPorts,
  input: Input,
): Promise<OperationOutput<'registry', 'cluster'>> => {
  const server = await registry.findServer(input.cluster);
  const seconds = Math.round((clock.now().getTime() - input.since) / 1000);
  if (server === undefined && seconds < FIRST_LOOKS_SECONDS) return { joinable: false, server: NO_SERVER };
  const end = hopeless(server);
  if (end !== undefined) throw unavailable(input, end, 'a cluster whose server stands or is being made');
  if (server !== undefined && isStanding(server) && (server.details?.caHash ?? '') !== '') {
    return { joinable: true, server: describe(server) };
  }
  const limit = settings.limits.clusterSeconds;
  if (seconds < limit) return { joinable: false, server: NO_SERVER };
  const got = `its server ${server?.name ?? ''} is in phase ${server?.phase ?? ''} after ${seconds} s`;
  throw unavailable(input, got, `a server that stands within ${limit} s`);
};
