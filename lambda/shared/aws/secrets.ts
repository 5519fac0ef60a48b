import {
  CreateSecretCommand,
  GetSecretValueCommand,
  PutSecretValueCommand,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { ConfigurationError, NotYetConsistentError } from '../errors.ts';
import { awsCall, isAwsError } from './aws-errors.ts';
import { createSecretTags, isBeingDeleted, type SecretTags } from './secret-tags.ts';

export interface SecretVersion {
  readonly arn: string;
  readonly versionId: string;
}

/**
 * Secrets with their values, for the one capability that makes them. Called by name or full ARN, never by part of one:
 * partial look-ups go wrong for names that end like ARNs do. No value leaves through an error or a log.
 */
export interface Secrets extends Pick<SecretTags, 'describe' | 'tag' | 'delete'> {
  /** Tags travel in the call, so that no secret is ever without an owner. @throws NotYetConsistentError */
  create(name: string, value: string, tags: Readonly<Record<string, string>>): Promise<SecretVersion | 'exists'>;
  /** @throws ConfigurationError when there is none */
  read(id: string): Promise<string>;
  /** Adds a version, which is the current one from then on. @throws NotYetConsistentError */
  put(id: string, value: string): Promise<SecretVersion>;
}

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

const create = async (client: SecretsManagerClient, ...[name, value, tags]: Parameters<Secrets['create']>) => {
  const Tags = Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
  const command = new CreateSecretCommand({ Name: name, SecretString: value, Tags });
  try {
    return toVersion(await awsCall('secretsmanager:CreateSecret', () => client.send(command)));
  } catch (error) {
    if (isAwsError(error, 'ResourceExistsException')) return 'exists';
    throw isBeingDeleted(error) ? beingDeleted(name, error) : error;
  }
};

const read = async (client: SecretsManagerClient, id: string): Promise<string> => {
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

const put = async (client: SecretsManagerClient, id: string, value: string): Promise<SecretVersion> => {
  const command = new PutSecretValueCommand({ SecretId: id, SecretString: value });
  try {
    return toVersion(await awsCall('secretsmanager:PutSecretValue', () => client.send(command)));
  } catch (error) {
    throw isBeingDeleted(error) ? beingDeleted(id, error) : error;
  }
};

export const createSecrets = (
  client = new SecretsManagerClient({ retryMode: 'adaptive', maxAttempts: 10 }),
): Secrets => {
  const tags = createSecretTags(client);
  return {
    create: (...call) => create(client, ...call),
    describe: tags.describe,
    tag: tags.tag,
    read: (id) => read(client, id),
    put: (id, value) => put(client, id, value),
    delete: tags.delete,
  };
};
