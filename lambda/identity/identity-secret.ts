import { secretName, TAG, UNBOUND, type Worker } from '#contract';
import type { SecretFacts } from '#shared/aws/secret-tags.ts';
import type { SecretVersion } from '#shared/aws/secrets.ts';
import { NotYetConsistentError, SecretConflictError } from '#shared/errors.ts';
import type { Life } from '../registry/port.ts';
import type { TokenField } from './agent-token.ts';
import { type JoinFields, keepTokens } from './join-fields.ts';
import type { IdentityFields } from './mint-identity.ts';
import type { IdentityPorts } from './ports.ts';

type SecretPorts = Pick<IdentityPorts, 'secrets' | 'settings'>;

export const identitySecretName = ({ settings }: Pick<SecretPorts, 'settings'>, worker: string): string =>
  secretName(settings.secretPrefix, worker);

/**
 * Whether a secret is this fleet's for that life. The prefix also holds secrets people made by hand.
 * An empty generation stands for any.
 */
export const isSecretOf = (secret: SecretFacts, fleet: string, { name, generation }: Life): boolean =>
  secret.tags[TAG.fleet] === fleet &&
  secret.tags[TAG.worker] === name &&
  (generation === '' || secret.tags[TAG.generation] === generation);

/** @throws SecretConflictError always */
export const refuseForeignSecret = (secret: SecretFacts): never => {
  const owner =
    secret.tags[TAG.fleet] === undefined
      ? 'no fleet'
      : `fleet ${secret.tags[TAG.fleet]}, life ${secret.tags[TAG.generation] ?? 'unknown'}`;
  throw new SecretConflictError({
    what: `secret ${secret.name} exists and belongs to somebody else`,
    got: owner,
    allowed: "a secret with this execution's tags, or none",
    remedy: 'delete or rename that secret if nobody needs it, or choose another name for the worker',
  });
};

const tagsOf = (fleet: string, worker: Worker, execution: string): Record<string, string> => ({
  [TAG.fleet]: fleet,
  [TAG.worker]: worker.name,
  [TAG.generation]: worker.generation,
  [TAG.execution]: execution,
  [TAG.instance]: UNBOUND,
});

/**
 * Creates the worker's secret, or gives it a new value where an earlier try of the same execution made it and its
 * answer was lost; the tokens of that try stay.
 * @throws SecretConflictError, NotYetConsistentError
 */
export const storeIdentity = async (
  { secrets, settings }: SecretPorts,
  worker: Worker,
  execution: string,
  fields: IdentityFields & Partial<JoinFields> & TokenField,
): Promise<SecretVersion> => {
  const name = identitySecretName({ settings }, worker.name);
  const created = await secrets.create(name, JSON.stringify(fields), tagsOf(settings.fleet, worker, execution));
  if (created !== 'exists') return created;
  const present = await secrets.describe(name);
  if (present === undefined || present.deleted) {
    throw new NotYetConsistentError({
      what: `secret ${name} is being deleted`,
      remedy: 'none needed, the state retries',
    });
  }
  const mine = isSecretOf(present, settings.fleet, worker) && present.tags[TAG.execution] === execution;
  if (!mine) return refuseForeignSecret(present);
  return await secrets.put(present.arn, JSON.stringify(keepTokens(fields, await secrets.read(present.arn))));
};
