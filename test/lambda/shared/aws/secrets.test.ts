import {
  CreateSecretCommand,
  DeleteSecretCommand,
  DescribeSecretCommand,
  GetSecretValueCommand,
  PutSecretValueCommand,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { beforeEach, describe, expect, it } from 'vitest';
import { createSecrets } from '../../../../lambda/shared/aws/secrets.ts';
import { mockClient } from '../../../support/mock-client.ts';

const NAME = 'catalyst-llm/nebula-w1';
const ARN = `arn:aws:secretsmanager:us-west-2:123456789012:secret:${NAME}-AbCdEf`;
const sdk = mockClient(SecretsManagerClient);
const secrets = createSecrets(new SecretsManagerClient({ region: 'us-west-2' }));
const failure = (name: string, message = 'said AWS'): Error => Object.assign(new Error(message), { name });
const deleting = failure(
  'InvalidRequestException',
  "You can't create this secret because a secret with this name is already scheduled for deletion.",
);

beforeEach(() => sdk.reset());

describe('creating a secret', () => {
  it('tags it in the same call', async () => {
    sdk.on(CreateSecretCommand).resolves({ ARN, VersionId: 'v1' });

    await expect(secrets.create(NAME, 'text', { 'carrierarr:fleet': 'f' })).resolves.toEqual({
      arn: ARN,
      versionId: 'v1',
    });

    expect(sdk.commandCalls(CreateSecretCommand)[0]?.args[0].input).toMatchObject({
      Name: NAME,
      SecretString: 'text',
      Tags: [{ Key: 'carrierarr:fleet', Value: 'f' }],
    });
  });

  it('tells a name in use from a failure', async () => {
    sdk.on(CreateSecretCommand).rejects(failure('ResourceExistsException'));

    await expect(secrets.create(NAME, 'text', {})).resolves.toBe('exists');
  });

  it('waits, by way of the state, for a deletion to end', async () => {
    sdk.on(CreateSecretCommand).rejects(deleting);

    await expect(secrets.create(NAME, 'text', {})).rejects.toMatchObject({
      name: 'NotYetConsistentError',
      kind: 'retry',
    });
  });

  it('shows the value in no error', async () => {
    sdk.on(CreateSecretCommand).rejects(failure('ThrottlingException'));

    const creating = secrets.create(NAME, 'top secret', {});

    await expect(creating).rejects.not.toThrow(/top secret/);
  });
});

describe('an existing secret', () => {
  it('is described with its tags, and as deleted when it is', async () => {
    sdk
      .on(DescribeSecretCommand)
      .resolves({ Name: NAME, ARN, Tags: [{ Key: 'a', Value: 'b' }], DeletedDate: new Date(0) });

    await expect(secrets.describe(NAME)).resolves.toMatchObject({
      name: NAME,
      arn: ARN,
      tags: { a: 'b' },
      deleted: true,
    });
  });

  it('is undefined when it is not there', async () => {
    sdk.on(DescribeSecretCommand).rejects(failure('ResourceNotFoundException'));

    await expect(secrets.describe(NAME)).resolves.toBeUndefined();
  });

  it('is read and written by its id', async () => {
    sdk.on(GetSecretValueCommand, { SecretId: ARN }).resolves({ SecretString: 'text' });
    sdk.on(PutSecretValueCommand, { SecretId: ARN, SecretString: 'new' }).resolves({ ARN, VersionId: 'v2' });

    await expect(secrets.read(ARN)).resolves.toBe('text');
    await expect(secrets.put(ARN, 'new')).resolves.toEqual({ arn: ARN, versionId: 'v2' });
  });

  it('that is missing is a fault of the configuration when somebody has to read it', async () => {
    sdk.on(GetSecretValueCommand).rejects(failure('ResourceNotFoundException'));

    await expect(secrets.read(NAME)).rejects.toMatchObject({ name: 'ConfigurationError' });
  });

  it('is deleted at once, and its absence is success', async () => {
    sdk
      .on(DeleteSecretCommand)
      .resolvesOnce({})
      .rejectsOnce(failure('ResourceNotFoundException'))
      .rejectsOnce(deleting);

    for (const _ of [1, 2, 3]) await expect(secrets.delete(NAME)).resolves.toBeUndefined();

    expect(sdk.commandCalls(DeleteSecretCommand)[0]?.args[0].input).toEqual({
      SecretId: NAME,
      ForceDeleteWithoutRecovery: true,
    });
  });
});
