import {
  CreateSecretCommand,
  DeleteSecretCommand,
  DescribeSecretCommand,
  GetSecretValueCommand,
  PutSecretValueCommand,
  paginateListSecrets,
  SecretsManagerClient,
  type Tag,
  TagResourceCommand,
} from '@aws-sdk/client-secrets-manager';
import { ConfigurationError, NotYetConsistentError } from '../errors.ts';
import { awsCall, isAwsError } from './aws-errors.ts';

/** Called by name or full ARN, never by part of one: partial look-ups go wrong for names that end like ARNs do. */
type SecretId = string;
type Tags = Readonly<Record<string, string>>;

export interface SecretVersion {
  readonly arn: string;
  readonly versionId: string;
}

export interface SecretFacts {
  readonly name: string;
  readonly arn: string;
  readonly tags: Tags;
  readonly createdAt: Date | undefined;
  /** Scheduled for deletion: gone for every purpose but the re-use of its name. */
  readonly deleted: boolean;
}

/** Secrets Manager as this product uses it. No value ever leaves through an error or a log. */
export interface Secrets {
  /** Tags travel in the call, so that no secret is ever without an owner. @throws NotYetConsistentError */
  create(name: string, value: string, tags: Tags): Promise<SecretVersion | 'exists'>;
  describe(id: SecretId): Promise<SecretFacts | undefined>;
  read(id: SecretId): Promise<string>;
  put(id: SecretId, value: string): Promise<SecretVersion>;
  tag(id: SecretId, tags: Tags): Promise<void>;
  /** Deletes at once, without recovery; AWS does so asynchronously. Nothing to delete is success too. */
  destroy(id: SecretId): Promise<void>;
  /** Every secret with that tag that is not deleted. */
  withTag(key: string, value: string): Promise<SecretFacts[]>;
}

const toTags = (tags: Tags): Tag[] => Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
const fromTags = (tags: readonly Tag[] | undefined): Tags =>
  Object.fromEntries((tags ?? []).map(({ Key, Value }) => [Key ?? '', Value ?? '']));

interface Described {
  readonly Name?: string | undefined;
  readonly ARN?: string | undefined;
  readonly Tags?: Tag[] | undefined;
  readonly CreatedDate?: Date | undefined;
  readonly DeletedDate?: Date | undefined;
}
const toFacts = (secret: Described): SecretFacts => ({
  name: secret.Name ?? '',
  arn: secret.ARN ?? '',
  tags: fromTags(secret.Tags),
  createdAt: secret.CreatedDate,
  deleted: secret.DeletedDate !== undefined,
});

const toVersion = (answer: { ARN?: string | undefined; VersionId?: string | undefined }): SecretVersion => ({
  arn: answer.ARN ?? '',
  versionId: answer.VersionId ?? '',
});

const beingDeleted = (name: string, cause: unknown): NotYetConsistentError =>
  new NotYetConsistentError({
    what: `secret ${name} is still being deleted`,
    remedy: 'none needed, the state retries; a secret deleted by hand with a recovery window keeps its name until then',
    cause,
  });

const isBeingDeleted = (error: unknown): boolean =>
  isAwsError(error, 'InvalidRequestException') &&
  /scheduled for deletion|marked for deletion|was deleted/i.test(error.message);

const create = async (
  client: SecretsManagerClient,
  name: string,
  value: string,
  tags: Tags,
): Promise<SecretVersion | 'exists'> => {
  const command = new CreateSecretCommand({ Name: name, SecretString: value, Tags: toTags(tags) });
  try {
    return toVersion(await awsCall('secretsmanager:CreateSecret', () => client.send(command)));
  } catch (error) {
    if (isAwsError(error, 'ResourceExistsException')) return 'exists';
    throw isBeingDeleted(error) ? beingDeleted(name, error) : error;
  }
};

const describe = async (client: SecretsManagerClient, id: SecretId): Promise<SecretFacts | undefined> => {
  try {
    const command = new DescribeSecretCommand({ SecretId: id });
    return toFacts(await awsCall('secretsmanager:DescribeSecret', () => client.send(command)));
  } catch (error) {
    if (isAwsError(error, 'ResourceNotFoundException')) return undefined;
    throw error;
  }
};

const read = async (client: SecretsManagerClient, id: SecretId): Promise<string> => {
  const command = new GetSecretValueCommand({ SecretId: id });
  try {
    const { SecretString } = await awsCall('secretsmanager:GetSecretValue', () => client.send(command));
    if (SecretString !== undefined) return SecretString;
  } catch (error) {
    if (!isAwsError(error, 'ResourceNotFoundException')) throw error;
  }
  throw new ConfigurationError({
    what: `secret ${id} does not exist or holds no text`,
    remedy: 'create it, or correct its name in the configuration',
  });
};

const put = async (client: SecretsManagerClient, id: SecretId, value: string): Promise<SecretVersion> => {
  const command = new PutSecretValueCommand({ SecretId: id, SecretString: value });
  try {
    return toVersion(await awsCall('secretsmanager:PutSecretValue', () => client.send(command)));
  } catch (error) {
    throw isBeingDeleted(error) ? beingDeleted(id, error) : error;
  }
};

const destroy = async (client: SecretsManagerClient, id: SecretId): Promise<void> => {
  const command = new DeleteSecretCommand({ SecretId: id, ForceDeleteWithoutRecovery: true });
  try {
    await awsCall('secretsmanager:DeleteSecret', () => client.send(command));
  } catch (error) {
    if (!isAwsError(error, 'ResourceNotFoundException') && !isBeingDeleted(error)) throw error;
  }
};

const withTag = async (client: SecretsManagerClient, key: string, value: string): Promise<SecretFacts[]> => {
  const Filters = [
    { Key: 'tag-key' as const, Values: [key] },
    { Key: 'tag-value' as const, Values: [value] },
  ];
  return awsCall('secretsmanager:ListSecrets', async () => {
    const found: SecretFacts[] = [];
    for await (const page of paginateListSecrets({ client }, { Filters })) {
      found.push(...(page.SecretList ?? []).map(toFacts));
    }
    // The filters match prefixes, and key and value need not belong together.
    return found.filter((secret) => secret.tags[key] === value && !secret.deleted);
  });
};

export const createSecrets = (
  client = new SecretsManagerClient({ retryMode: 'adaptive', maxAttempts: 10 }),
): Secrets => ({
  create: (name, value, tags) => create(client, name, value, tags),
  describe: (id) => describe(client, id),
  read: (id) => read(client, id),
  put: (id, value) => put(client, id, value),
  tag: async (id, tags) => {
    const command = new TagResourceCommand({ SecretId: id, Tags: toTags(tags) });
    await awsCall('secretsmanager:TagResource', () => client.send(command));
  },
  destroy: (id) => destroy(client, id),
  withTag: (key, value) => withTag(client, key, value),
});
