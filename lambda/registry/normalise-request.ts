import { createHash } from 'node:crypto';
import { type FleetSettings, ProvisionRequest } from '#contract';
import { InputError } from '../shared/errors.ts';
import { parseInput } from '../shared/input.ts';
import type { Reservation } from './port.ts';

/** A request with every default filled in: what a reservation needs but for its owner. */
export interface NormalisedRequest {
  readonly worker: Reservation['worker'];
  readonly address: string | undefined;
  /** SHA-256, hex, of everything that was asked for or defaulted. */
  readonly requestHash: string;
  /** JSON of a ProvisionRequest that normalises to the same again. */
  readonly input: string;
  /** True when the name was drawn here, so that another may be drawn in its place. */
  readonly drawn: boolean;
}

/** What fills in a request's gaps. */
export type RequestSettings = Pick<FleetSettings, 'roles'> & {
  readonly cluster: Pick<FleetSettings['cluster'], 'name'>;
};

const DEFAULT_ROLE = 'gpu-worker';
/**
 * Five characters: Secrets Manager ends its own ARNs in a hyphen and six, and takes a name that ends so for one of
 * them.
 */
const DRAWN_CHARACTERS = 5;
const ALPHABET = '0123456789abcdefghijklmnopqrstuvwxyz';

const draw = (random: () => number): string =>
  Array.from({ length: DRAWN_CHARACTERS }, () => ALPHABET[Math.floor(random() * ALPHABET.length)] ?? '0').join('');

const instanceTypes = (asked: string | undefined, configured: readonly string[], role: string): string[] => {
  if (asked === undefined) return [...configured];
  if (configured.includes(asked)) return [asked];
  const what = `not among the types this fleet may launch as ${role}`;
  const remedy = `ask for one of them, or add the type to roles.${role}.instanceTypes in the configuration and deploy`;
  throw new InputError([{ field: 'instanceType', what, got: asked, allowed: configured.join(', ') }], remedy);
};

/**
 * Fills in what a request leaves open from the role's settings, so that nothing after it meets an absent field.
 * @throws InputError
 */
export const normaliseRequest = (
  input: unknown,
  settings: RequestSettings,
  random: () => number,
): NormalisedRequest => {
  const request = parseInput(ProvisionRequest, input);
  const role = request.role ?? DEFAULT_ROLE;
  const defaults = settings.roles[role];
  const market = request.market ?? defaults.market;
  const onDemandFallback = market === 'spot' && (request.onDemandFallback ?? defaults.onDemandFallback);
  const name = request.name ?? `${role}-${draw(random)}`;
  const types = instanceTypes(request.instanceType, defaults.instanceTypes, role);
  const { nebulaIp, instanceType, amiId, cluster = settings.cluster.name } = request;
  const worker = {
    contract: 1,
    name,
    role,
    instanceTypes: types,
    market,
    onDemandFallback,
    amiId: amiId ?? '',
    cluster,
  } as const;
  return {
    worker,
    address: nebulaIp,
    requestHash: createHash('sha256')
      .update(JSON.stringify({ ...worker, nebulaIp }))
      .digest('hex'),
    input: JSON.stringify({ name, role, nebulaIp, instanceType, market, onDemandFallback, amiId, cluster }),
    drawn: request.name === undefined,
  };
};
