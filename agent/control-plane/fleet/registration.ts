import { isIP } from 'node:net';
import type { AgentClaims } from '#shared/contract/agent-token.ts';
import type { RegisterRequest } from '../../proto/generated/ec2agent/v1/agent_pb.js';
import { capabilitiesOf, clip, kindOf, labelsOf } from './from-message.ts';
import type { LiveNode, NodeRecord } from './node.ts';

/** Names of hosts and instances; nothing that would need escaping anywhere. */
const NODE_ID = /^[A-Za-z0-9][A-Za-z0-9._:-]{0,252}$/;

/** What is wrong with a registration, in words for the agent's log; undefined where nothing is. */
export const faultOf = (request: RegisterRequest): string | undefined => {
  const id = nodeIdOf(request);
  if (!NODE_ID.test(id)) return `node_id is not usable: got ${JSON.stringify(id.slice(0, 60))}, allowed: a host name`;
  if (request.nebulaIp !== '' && isIP(request.nebulaIp) === 0)
    return `nebula_ip is not usable: got ${JSON.stringify(request.nebulaIp.slice(0, 60))}, allowed: an IP address`;
  return undefined;
};

/** Known agents may leave their host name out; known control planes then take the instance's id. */
export const nodeIdOf = (request: RegisterRequest): string => request.nodeId || request.instanceId;

/** What contradicts the token; undefined where nothing does, or no token was asked for. */
export const contradictionOf = (request: RegisterRequest, claims: AgentClaims | undefined): string | undefined => {
  if (claims === undefined)
    return request.worker === ''
      ? undefined
      : `an agent without a token may not call itself worker ${clip(request.worker)}`;
  const said: readonly [string, string, string][] = [
    ['worker', request.worker, claims.worker],
    ['nebula_ip', request.nebulaIp, claims.address],
  ];
  const optional: readonly [string, string, string][] = [
    ['fleet', request.fleet, claims.fleet],
    ['generation', request.generation, claims.generation],
  ];
  const wrong = [...said, ...optional.filter(([, got]) => got !== '')].find(([, got, allowed]) => got !== allowed);
  if (wrong === undefined) return undefined;
  const [field, got, allowed] = wrong;
  return `the token is for ${field} ${allowed}, but the agent says ${got === '' ? 'none' : clip(got)}`;
};

/**
 * Whether a registration may take the place of a known node: who has proven to be a worker keeps its name and address
 * while it lives, whatever others claim.
 */
export const intrudes = (request: RegisterRequest, claims: AgentClaims | undefined, known: LiveNode): boolean =>
  known.record.proven &&
  known.record.state === 'online' &&
  claims?.worker !== known.record.worker &&
  (known.record.id === nodeIdOf(request) || (request.nebulaIp !== '' && known.record.nebulaIp === request.nebulaIp));

/** Another instance behind the same host name is another life, of which nothing old is true any more. */
export const isSameLife = (record: NodeRecord, request: RegisterRequest): boolean =>
  record.instanceId === request.instanceId && record.worker === request.worker;

/** The record of a node that has just registered. */
export const recordOf = (
  request: RegisterRequest,
  claims: AgentClaims | undefined,
  { now, before }: { readonly now: number; readonly before: NodeRecord | undefined },
): NodeRecord => ({
  id: nodeIdOf(request),
  type: kindOf(request.nodeType),
  instanceId: clip(request.instanceId),
  nebulaIp: request.nebulaIp,
  publicIp: clip(request.publicIp),
  region: clip(request.region),
  az: clip(request.availabilityZone),
  labels: labelsOf(request.labels),
  capabilities: capabilitiesOf(request.capabilities),
  worker: clip(request.worker),
  instanceType: clip(request.instanceType),
  market: clip(request.market),
  fleet: claims?.fleet ?? clip(request.fleet),
  generation: claims?.generation ?? clip(request.generation),
  agentVersion: clip(request.agentVersion),
  proven: claims !== undefined,
  registeredAt: before?.registeredAt ?? now,
  connectedAt: now,
  lastSeen: now,
  state: 'online',
  status: before?.status,
});
