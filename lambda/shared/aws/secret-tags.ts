import {
  DeleteSecretCommand,
  DescribeSecretCommand,
  paginateListSecrets,
  type SecretListEntry,
  SecretsManagerClient,
  type Tag,
  TagResourceCommand,
} from '@aws-sdk/client-secrets-manager';
import { TAG } from '#contract';
import { NotYetConsistentError, SecretConflictError } from '../errors.ts';
import { awsCall, isAwsError } from './aws-errors.ts';

/** What is known of a secret without reading it. None of these calls can see its value. */
export interface SecretFacts {
  readonly arn: string;
  readonly name: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly createdAt: Date;
  /** Deleted, or scheduled to be. */
  readonly deleted: boolean;
}

export interface SecretTags {
  /**
   * Opens the worker's secret for the one instance with this ARN. Idempotent.
   * @throws NotYetConsistentError while Secrets Manager does not show the secret
   * @throws SecretConflictError when it is being deleted
   */
  bind(secretName: string, instanceArn: string): Promise<void>;
  /** Adds tags, or gives those there other values. @throws NotYetConsistentError, SecretConflictError */
  tag(id: string, tags: Readonly<Record<string, string>>): Promise<void>;
  describe(secretName: string): Promise<SecretFacts | undefined>;
  /** Secrets of the fleet that are not deleted. */
  ofFleet(fleet: string): Promise<SecretFacts[]>;
  /** At once and for good. Idempotent. */
  delete(arn: string): Promise<void>;
}

const tagRecord = (tags: readonly Tag[] = []): Record<string, string> =>
  Object.fromEntries(tags.map((tag) => [tag.Key ?? '', tag.Value ?? '']));

const toFacts = (secret: SecretListEntry): SecretFacts => ({
  arn: secret.ARN ?? '',
  name: secret.Name ?? '',
  tags: tagRecord(secret.Tags),
  createdAt: secret.CreatedDate ?? new Date(0),
  deleted: secret.DeletedDate !== undefined,
});

const translateBinding = (error: unknown, secretName: string): unknown => {
  if (isAwsError(error, 'ResourceNotFoundException')) {
    return new NotYetConsistentError({
      what: 'the worker’s secret is not there to be bound to its instance',
      got: secretName,
      remedy: 'none needed, the state retries; if it stays, tear the worker down and provision it again',
      cause: error,
    });
  }
  if (isAwsError(error, 'InvalidRequestException')) {
    return new SecretConflictError({
      what: 'the worker’s secret is being deleted',
      got: `${secretName}: ${error.message}`,
      remedy: 'a teardown is under way; provision again when it has ended',
      cause: error,
    });
  }
  return error;
};

const tagWith = async (
  client: SecretsManagerClient,
  secretId: string,
  tags: Readonly<Record<string, string>>,
): Promise<void> => {
  try {
    const Tags = Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
    await client.send(new TagResourceCommand({ SecretId: secretId, Tags }));
  } catch (error) {
    throw translateBinding(error, secretId);
  }
};

const describe = async (client: SecretsManagerClient, secretName: string): Promise<SecretFacts | undefined> => {
  try {
    return toFacts(await client.send(new DescribeSecretCommand({ SecretId: secretName })));
  } catch (error) {
    if (isAwsError(error, 'ResourceNotFoundException')) return undefined;
    throw error;
  }
};

const ofFleet = async (client: SecretsManagerClient, fleet: string): Promise<SecretFacts[]> => {
  const found: SecretFacts[] = [];
  // The service's filters match prefixes and combine key and value loosely: what they let through is checked again.
  const filters = [
    { Key: 'tag-key' as const, Values: [TAG.fleet] },
    { Key: 'tag-value' as const, Values: [fleet] },
  ];
  for await (const page of paginateListSecrets({ client }, { Filters: filters })) {
    for (const entry of page.SecretList ?? []) {
      const secret = toFacts(entry);
      if (secret.tags[TAG.fleet] === fleet && !secret.deleted) found.push(secret);
    }
  }
  return found;
};

/** What AWS says of a secret whose deletion it has not finished. */
export const isBeingDeleted = (error: unknown): boolean =>
  isAwsError(error, 'InvalidRequestException') &&
  /scheduled for deletion|marked for deletion|was deleted/i.test(error.message);

const deleteNow = async (client: SecretsManagerClient, arn: string): Promise<void> => {
  try {
    await client.send(new DeleteSecretCommand({ SecretId: arn, ForceDeleteWithoutRecovery: true }));
  } catch (error) {
    if (!isAwsError(error, 'ResourceNotFoundException') && !isBeingDeleted(error)) throw error;
  }
};

export const createSecretTags = (
  client = new SecretsManagerClient({ maxAttempts: 5, retryMode: 'adaptive' }),
): SecretTags => ({
  bind: (secretName, instanceArn) =>
    awsCall('secretsmanager:TagResource', () => tagWith(client, secretName, { [TAG.instance]: instanceArn })),
  tag: (id, tags) => awsCall('secretsmanager:TagResource', () => tagWith(client, id, tags)),
  describe: (secretName) => awsCall('secretsmanager:DescribeSecret', () => describe(client, secretName)),
  ofFleet: (fleet) => awsCall('secretsmanager:ListSecrets', () => ofFleet(client, fleet)),
  delete: (arn) => awsCall('secretsmanager:DeleteSecret', () => deleteNow(client, arn)),
});
