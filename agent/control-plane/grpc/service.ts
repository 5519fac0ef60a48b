import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import { Code, ConnectError, createContextKey, type ServiceImpl } from '@connectrpc/connect';
import type { AgentControl } from '../../proto/generated/ec2agent/v1/agent_pb.js';
import type { Clock } from '../clock.ts';
import { speaksFor } from '../fleet/identity.ts';
import { toFleetStatus } from '../fleet/to-message.ts';
import { ControlStream, type StreamDeps } from './agent-stream.ts';
import type { Connection } from './connections.ts';
import type { Gate } from './gate.ts';
import { Refusals } from './refusals.ts';

export interface ServiceDeps extends StreamDeps {
  readonly clock: Clock;
  readonly gate: Gate;
  /** Seconds between two signs of life, told to each agent that registers. */
  readonly heartbeatSeconds: number;
  readonly statusSeconds: number;
}

/** The connection that a call came over. */
export const CONNECTION = createContextKey<Connection | undefined>(undefined, { description: 'connection' });

const REMEDY =
  "compare AGENT_KEY_FILE with the fleet's secret agent-key; AGENTS_WITHOUT_TOKEN=allow lets known agents in";

/** What agents call. A thrown ConnectError is told to the agent; any other error is told as `internal`. */
export const createService = (deps: ServiceDeps): Required<ServiceImpl<typeof AgentControl>> => {
  const { fleet, gate, clock, log } = deps;
  const refusals = new Refusals(clock, log);
  return {
    async register(request, { requestHeader }) {
      const identity = await gate.identify(requestHeader).catch((error: unknown) => {
        refusals.tell(request.nodeId, ConnectError.from(error).rawMessage, REMEDY);
        throw error;
      });
      const outcome = fleet.register(request, identity);
      if (!outcome.accepted) {
        refusals.tell(request.nodeId, outcome.reason);
        if (outcome.forbidden) throw new ConnectError(outcome.reason, Code.PermissionDenied);
        return { accepted: false, message: outcome.reason };
      }
      const { id, worker, instanceId, nebulaIp, agentVersion } = outcome.node.record;
      log('info', 'registered', { node: id, worker, instance: instanceId, address: nebulaIp, version: agentVersion });
      return {
        accepted: true,
        message: 'registered',
        assignedId: id,
        heartbeatIntervalSec: deps.heartbeatSeconds,
        statusIntervalSec: deps.statusSeconds,
      };
    },

    async heartbeat({ nodeId }, { requestHeader }) {
      const identity = await gate.identify(requestHeader);
      const node = fleet.get(nodeId);
      if (node !== undefined && !speaksFor(identity, node.record))
        throw new ConnectError('the token is not that of this node', Code.PermissionDenied);
      return { ok: fleet.heard(nodeId), serverTime: timestampFromDate(clock.now()) };
    },

    async *connect(messages, { requestHeader, signal, values }) {
      const identity = await gate.identify(requestHeader);
      yield* new ControlStream(deps, identity, values.get(CONNECTION)).run(messages, signal);
    },

    getFleetStatus: (request) => toFleetStatus(fleet.list(), request),
  };
};
