import type { AgentClaims } from '#shared/contract/agent-token.ts';
import type { RegisterRequest } from '../../proto/generated/ec2agent/v1/agent_pb.js';
import type { LiveNode, NodeRecord } from './node.ts';

/**
 * Who speaks. `unchecked`: this control plane has no keys, so everybody is believed; `anonymous`: it has, but lets
 * agents without a token in, which then may be nobody's worker.
 */
export type Identity =
  | { readonly kind: 'unchecked' }
  | { readonly kind: 'anonymous' }
  | { readonly kind: 'proven'; readonly claims: AgentClaims };

export const claimsOf = (identity: Identity): AgentClaims | undefined =>
  identity.kind === 'proven' ? identity.claims : undefined;

const said = (text: string): string => (text === '' ? 'none' : text.slice(0, 60));

/** What contradicts the token; undefined where nothing does. */
export const contradictionOf = (request: RegisterRequest, identity: Identity): string | undefined => {
  if (identity.kind === 'unchecked') return undefined;
  if (identity.kind === 'anonymous')
    return request.worker === ''
      ? undefined
      : `an agent without a token may not call itself worker ${said(request.worker)}`;
  const { claims } = identity;
  const fields: readonly (readonly [string, string, string])[] = [
    ['worker', request.worker, claims.worker],
    ['nebula_ip', request.nebulaIp, claims.address],
    // Agents may not know these; a wrong one is another life of the worker.
    ['fleet', request.fleet || claims.fleet, claims.fleet],
    ['generation', request.generation || claims.generation, claims.generation],
  ];
  const wrong = fields.find(([, got, allowed]) => got !== allowed);
  if (wrong === undefined) return undefined;
  const [field, got, allowed] = wrong;
  return `the token is for ${field} ${allowed}, but the agent says ${said(got)}`;
};

/** Whether somebody may speak for a node that has registered. */
export const speaksFor = (identity: Identity, record: NodeRecord): boolean => {
  if (identity.kind === 'unchecked') return true;
  if (identity.kind === 'anonymous') return !record.proven;
  return identity.claims.worker === record.worker && identity.claims.address === record.nebulaIp;
};

/**
 * Whether a registration would take the place of a node that it is not: whoever has proven to be a worker keeps host
 * name and address while it lives, whatever others claim.
 */
export const intrudes = (request: RegisterRequest, id: string, identity: Identity, { record }: LiveNode): boolean => {
  if (identity.kind === 'unchecked' || !record.proven || record.state !== 'online') return false;
  if (claimsOf(identity)?.worker === record.worker) return false;
  return record.id === id || (request.nebulaIp !== '' && record.nebulaIp === request.nebulaIp);
};
