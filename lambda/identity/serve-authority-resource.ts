import * as z from 'zod';
import { ConfigurationError, PermissionError } from '#shared/errors.ts';
import { parseInput } from '#shared/input.ts';
import type { Clock } from '#shared/clock.ts';
import { type AuthorityFacts, type AuthorityPorts, createAuthority, keepAuthority } from './create-authority.ts';
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
    OldResourceProperties: z.looseObject({ days: z.coerce.number().optional() }).optional(),
  }),
  z.looseObject({ RequestType: z.literal('Delete'), PhysicalResourceId: z.string() }),
]);
type UpdateEvent = Extract<z.infer<typeof ResourceEvent>, { RequestType: 'Update' }>;

export interface ResourceAnswer {
  /** Fingerprint of the CA; never changes in the resource's life. */
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

const refuseOtherLife = ({ ResourceProperties, OldResourceProperties }: UpdateEvent): void => {
  const before = OldResourceProperties?.days;
  if (before === undefined || before === ResourceProperties.days) return;
  throw new ConfigurationError({
    what: 'the life of a CA cannot be changed',
    got: `${ResourceProperties.days} days`,
    allowed: `${before} days`,
    remedy: 'a CA with another life is a new CA with a new key: docs/operations.md, "Roll the CA over"',
  });
};

/**
 * The custom resource behind the CA: creates or adopts it, refuses every change, and leaves it alone when the stack
 * goes, since nodes outside the stack trust it.
 * @throws InputError, ConfigurationError, CertificateRuleError, SignatureError, PermissionError
 */
export const serveAuthorityResource = async (ports: ResourcePorts, event: unknown): Promise<ResourceAnswer> => {
  const request = parseInput(ResourceEvent, event);
  if (request.RequestType === 'Delete') return { PhysicalResourceId: request.PhysicalResourceId };
  const order = request.ResourceProperties;
  const inner = { ...ports, signer: ports.signer(order.keyArn) };
  if (request.RequestType === 'Update') refuseOtherLife(request);
  const Data = await untilPermitted(ports.clock, () =>
    request.RequestType === 'Create'
      ? createAuthority(inner, order)
      : keepAuthority(inner, order, request.PhysicalResourceId),
  );
  return { PhysicalResourceId: Data.Fingerprint, Data };
};
