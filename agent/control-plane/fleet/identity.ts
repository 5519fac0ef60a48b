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
  const { claims } = identity;
  if (claims.worker !== record.worker || claims.address !== record.nebulaIp) return false;
  // The token of an earlier life of the worker, or of its namesake in another fleet, is another's.
  return !record.proven || (claims.fleet === record.fleet && claims.generation === record.generation);
};

/** Generations are moments in base 36, so that a later life of a worker has the larger one. */
const momentOf = (generation: string): number => Number.parseInt(generation, 36);

/**
 * Whether a token is that of a life that is over: a machine that should be gone, or whoever kept its token, would take
 * turns with the worker of now. For as long as the later one is remembered, heard of or not.
 */
export const isOutlived = (identity: Identity, { record }: LiveNode): boolean => {
  const claims = claimsOf(identity);
  if (claims === undefined || !record.proven) return false;
  if (claims.worker !== record.worker || claims.fleet !== record.fleet) return false;
  return momentOf(claims.generation) < momentOf(record.generation);
};

/**
 * Whether a registration would take the place of a node that it is not: whoever has proven to be a worker keeps host
 * name and address while it lives, whatever others claim.
 */
export const intrudes = (request: RegisterRequest, id: string, identity: Identity, { record }: LiveNode): boolean => {
  if (identity.kind === 'unchecked' || !record.proven || record.state !== 'online') return false;
  const claims = claimsOf(identity);
  if (claims?.worker === record.worker && claims.fleet === record.fleet) return false;
  return record.id === id || (request.nebulaIp !== '' && record.nebulaIp === request.nebulaIp);
};
