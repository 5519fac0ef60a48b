import type { OperationInput, OperationOutput } from '#contract';
import { identitySecretName, isSecretOf } from './identity-secret.ts';
import type { IdentityPorts } from './ports.ts';

type SecretOutcome = OperationOutput<'identity', 'revoke'>['secret'];

const deleteSecret = async (
  { secrets, settings }: IdentityPorts,
  life: OperationInput<'identity', 'revoke'>,
): Promise<SecretOutcome> => {
  const secret = await secrets.describe(identitySecretName({ settings }, life.name));
  if (secret === undefined || secret.deleted) return 'absent';
  // A later life's secret is as foreign to this teardown as one made by hand.
  if (!isSecretOf(secret, settings.fleet, life)) return 'foreign';
  await secrets.delete(secret.arn);
  return 'deleted';
};

/** Takes a life's identity back. Safe to repeat, and without a row, by name and tags alone. */
export const revokeIdentity = async (
  ports: IdentityPorts,
  life: OperationInput<'identity', 'revoke'>,
): Promise<OperationOutput<'identity', 'revoke'>> => {
  const revoked = await ports.registry.revokeCertificates(life);
  return { revoked, secret: await deleteSecret(ports, life) };
};
