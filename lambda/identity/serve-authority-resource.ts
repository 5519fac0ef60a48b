import * as z from 'zod';
import type { Clock } from '#shared/clock.ts';
import { ConfigurationError, PermissionError } from '#shared/errors.ts';
import { parseInput } from '#shared/input.ts';
import {
  type AuthorityFacts,
  type AuthorityPorts,
  createAuthority,
  keepAuthority,
  ROLL_OVER,
} from './create-authority.ts';
import type { Signer } from './signer.ts';

/** CloudFormation hands numbers over as text. */
const Properties = z.looseObject({
  keyArn: z.string(),
  keyId: z.string(),
  fleet: z.string(),
  name: z.string(),
  groups: z.array(z.string()).default([]),
  days: z.coerce.number().positive(),
});

const ResourceEvent = z.discriminatedUnion('RequestType', [
  z.looseObject({ RequestType: z.literal('Create'), ResourceProperties: Properties }),
  z.looseObject({
    RequestType: z.literal('Update'),
    PhysicalResourceId: z.string(),
    ResourceProperties: Properties,
    OldResourceProperties: z.looseObject({ keyId: z.string(), days: z.coerce.number() }),
  }),
  z.looseObject({ RequestType: z.literal('Delete'), PhysicalResourceId: z.string() }),
]);
type CreateEvent = Extract<z.infer<typeof ResourceEvent>, { RequestType: 'Create' }>;
type UpdateEvent = Extract<z.infer<typeof ResourceEvent>, { RequestType: 'Update' }>;

export interface ResourceAnswer {
  /** Fingerprint of the CA: changes only with the key. */
  readonly PhysicalResourceId: string;
  readonly Data?: AuthorityFacts;
}

export interface ResourcePorts extends Omit<AuthorityPorts, 'signer'> {
  readonly signer: (keyArn: string) => Signer;
}

const PROPAGATION_SECONDS = 60;
const PAUSE_MILLISECONDS = 3000;

/** A role made seconds ago is refused until IAM has spread it. */
const untilPermitted = async <T>(clock: Clock, run: () => Promise<T>): Promise<T> => {
  const deadline = clock.now().getTime() + PROPAGATION_SECONDS * 1000;
  for (;;) {
    try {
      return await run();
    } catch (error) {
      if (!(error instanceof PermissionError) || clock.now().getTime() >= deadline) throw error;
      await clock.sleep(PAUSE_MILLISECONDS);
    }
  }
};

const refuseOtherLife = ({ ResourceProperties: { days }, OldResourceProperties: before }: UpdateEvent): void => {
  if (days === before.days) return;
  throw new ConfigurationError({
    what: 'the life of a CA cannot be changed',
    got: `${days} days`,
    allowed: `${before.days} days`,
    remedy: `put mesh.ca.days back; ${ROLL_OVER}`,
  });
};

/** Another key is another CA: the one update that is meant, since somebody named that key in the configuration. */
const isRollOver = ({ ResourceProperties, OldResourceProperties }: UpdateEvent): boolean =>
  ResourceProperties.keyId !== OldResourceProperties.keyId;

const serve = async (ports: AuthorityPorts, request: CreateEvent | UpdateEvent): Promise<AuthorityFacts> => {
  const order = request.ResourceProperties;
  if (request.RequestType === 'Create' || isRollOver(request)) return await createAuthority(ports, order);
  refuseOtherLife(request);
  return await keepAuthority(ports, order, request.PhysicalResourceId);
};

/**
 * The custom resource behind the CA: creates or adopts the one of its key, refuses to change it, and leaves it alone when
 * the stack or the key's turn is over, since nodes outside the stack trust it.
 * @throws InputError, ConfigurationError, CertificateRuleError, SignatureError, PermissionError
 */
export const serveAuthorityResource = async (ports: ResourcePorts, event: unknown): Promise<ResourceAnswer> => {
  const request = parseInput(ResourceEvent, event);
  if (request.RequestType === 'Delete') return { PhysicalResourceId: request.PhysicalResourceId };
  const inner = { ...ports, signer: ports.signer(request.ResourceProperties.keyArn) };
  const Data = await untilPermitted(ports.clock, () => serve(inner, request));
  return { PhysicalResourceId: Data.Fingerprint, Data };
};
