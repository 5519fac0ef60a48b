import {
  HANDOVER_PURPOSES,
  handoverSecretName,
  type OperationInput,
  type OperationOutput,
  TAG,
  type WorkerRow,
} from '#contract';
import { NotYetConsistentError, OwnershipLostError } from '#shared/errors.ts';
import { isSecretOf, refuseForeignSecret } from './identity-secret.ts';
import type { IdentityPorts } from './ports.ts';

type HandoverPorts = Pick<IdentityPorts, 'secrets' | 'settings'> & {
  readonly registry: Pick<IdentityPorts['registry'], 'find'>;
};
type OpenInput = OperationInput<'identity', 'openHandover'>;

/** What it holds until its writer has been there: an API takes no empty text. */
export const NOTHING_YET = '{}';

/** Before a fence its provision hands over, afterwards the teardown at work. */
const isAtWork = (row: WorkerRow | undefined, { generation, execution }: OpenInput): boolean => {
  if (row?.generation !== generation || row.phase === 'REMOVED') return false;
  return (row.phase === 'TEARING_DOWN' ? row.lease?.holder : row.owner) === execution;
};

const assertAtWork = async ({ registry }: HandoverPorts, input: OpenInput): Promise<void> => {
  const row = await registry.find(input.name);
  if (isAtWork(row, input)) return;
  throw new OwnershipLostError({
    what: `no credential is handed over for ${input.name}`,
    got: row === undefined ? 'no such worker' : `life ${row.generation} in phase ${row.phase}, owned by ${row.owner}`,
    allowed: `life ${input.generation} of ${input.execution}`,
    remedy: 'none needed: another execution took over, or a teardown began',
  });
};

const tagsOf = (fleet: string, input: OpenInput): Record<string, string> => ({
  [TAG.fleet]: fleet,
  [TAG.worker]: input.name,
  [TAG.generation]: input.generation,
  [TAG.execution]: input.execution,
  [TAG.writer]: input.writer,
  [TAG.instance]: input.reader,
});

/** Its value goes before it is bound anew: what an earlier writer left is not for the next reader. */
const bindAnew = async ({ secrets, settings }: HandoverPorts, name: string, input: OpenInput): Promise<string> => {
  const present = await secrets.describe(name);
  if (present === undefined || present.deleted) {
    throw new NotYetConsistentError({
      what: `secret ${name} is being deleted`,
      remedy: 'none needed, the state retries',
    });
  }
  if (!isSecretOf(present, settings.fleet, input)) return refuseForeignSecret(present);
  await secrets.put(present.arn, NOTHING_YET);
  await secrets.tag(present.arn, tagsOf(settings.fleet, input));
  return present.arn;
};

/**
 * Makes the secret through which one node hands a credential to another, without a credential in it; opening it again
 * binds it to the nodes named now.
 * @throws SecretConflictError, NotYetConsistentError, OwnershipLostError
 */
export const openHandover = async (
  ports: HandoverPorts,
  input: OpenInput,
): Promise<OperationOutput<'identity', 'openHandover'>> => {
  const { secrets, settings } = ports;
  await assertAtWork(ports, input);
  const name = handoverSecretName(settings.secretPrefix, input.name, input.purpose);
  const created = await secrets.create(name, NOTHING_YET, tagsOf(settings.fleet, input));
  const arn = created === 'exists' ? await bindAnew(ports, name, input) : created.arn;
  try {
    await assertAtWork(ports, input);
  } catch (error) {
    // The teardown that fenced us may have looked for it before it existed.
    await secrets.delete(arn);
    throw error;
  }
  return { secretId: name };
};

/** Deletes every handover secret of a life. Safe to repeat; what belongs to another life stays. */
export const closeHandover = async (
  { secrets, settings }: Pick<HandoverPorts, 'secrets' | 'settings'>,
  life: OperationInput<'identity', 'closeHandover'>,
): Promise<OperationOutput<'identity', 'closeHandover'>> => {
  const deleted: string[] = [];
  for (const purpose of HANDOVER_PURPOSES) {
    const name = handoverSecretName(settings.secretPrefix, life.name, purpose);
    const secret = await secrets.describe(name);
    if (secret === undefined || secret.deleted || !isSecretOf(secret, settings.fleet, life)) continue;
    await secrets.delete(secret.arn);
    deleted.push(name);
  }
  return { deleted };
};
