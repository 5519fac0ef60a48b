import { isIP } from 'node:net';
import type { AgentClaims } from '#shared/contract/agent-token.ts';
import type { RegisterRequest } from '../../proto/generated/ec2agent/v1/agent_pb.js';
import { capabilitiesOf, clip, kindOf, labelsOf } from './from-message.ts';
import type { NodeRecord } from './node.ts';

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
