import {
  DeleteSecretCommand,
  DescribeSecretCommand,
  InvalidRequestException,
  ListSecretsCommand,
  ResourceNotFoundException,
  SecretsManagerClient,
  TagResourceCommand,
} from '@aws-sdk/client-secrets-manager';
import { beforeEach, describe, expect, it } from 'vitest';
import { createSecretTags } from '#shared/aws/secret-tags.ts';
import { mockClient } from '../../../support/mock-client.ts';

const mock = mockClient(SecretsManagerClient);
beforeEach(() => mock.reset());
const secrets = createSecretTags(new SecretsManagerClient({ region: 'us-west-2' }));
const name = 'catalyst-llm/nebula-gpu-worker-001';
const arn = `arn:aws:secretsmanager:us-west-2:111122223333:secret:${name}-Ab12Cd`;
const instanceArn = 'arn:aws:ec2:us-west-2:111122223333:instance/i-1';
const notFound = new ResourceNotFoundException({ message: 'no such secret', $metadata: {} });

describe('binding a secret to an instance', () => {
  it('changes the one tag that the node’s policy compares, and reads nothing', async () => {
    mock.on(TagResourceCommand).resolves({});

    await secrets.bind(name, instanceArn);

    expect(mock.calls().map((call) => call.args[0].input)).toEqual([
      { SecretId: name, Tags: [{ Key: 'carrierarr:instance', Value: instanceArn }] },
    ]);
  });

  it('is worth another try while the secret does not show', async () => {
    mock.on(TagResourceCommand).rejects(notFound);

    await expect(secrets.bind(name, instanceArn)).rejects.toMatchObject({
      name: 'NotYetConsistentError',
      kind: 'retry',
    });
  });

  it('stops when the secret is being deleted', async () => {
    mock.on(TagResourceCommand).rejects(new InvalidRequestException({ message: 'marked for deletion', $metadata: {} }));

    await expect(secrets.bind(name, instanceArn)).rejects.toMatchObject({ name: 'SecretConflictError', kind: 'stop' });
  });
});

describe('tagging a secret', () => {
  it('sets all tags in one call', async () => {
    mock.on(TagResourceCommand).resolves({});

    await secrets.tag(arn, { 'carrierarr:writer': instanceArn, 'carrierarr:instance': 'unbound' });

    expect(mock.calls().map((call) => call.args[0].input)).toEqual([
      {
        SecretId: arn,
        Tags: [
          { Key: 'carrierarr:writer', Value: instanceArn },
          { Key: 'carrierarr:instance', Value: 'unbound' },
        ],
      },
    ]);
  });
});

describe('describing a secret', () => {
  it('knows a deleted one by its date', async () => {
    mock.on(DescribeSecretCommand).resolves({ ARN: arn, Name: name, DeletedDate: new Date() });

    expect(await secrets.describe(name)).toMatchObject({ arn, name, deleted: true });
  });

  it('answers nothing for one that is not there', async () => {
    mock.on(DescribeSecretCommand).rejects(notFound);

    expect(await secrets.describe(name)).toBeUndefined();
  });
});

describe('the fleet’s secrets', () => {
  it('are those that really carry its tag: the service’s own filter is looser', async () => {
    const entry = (tagKey: string, value: string) => ({ ARN: arn, Name: name, Tags: [{ Key: tagKey, Value: value }] });
    mock
      .on(ListSecretsCommand)
      .resolvesOnce({ NextToken: 'n', SecretList: [entry('carrierarr:fleet', 'carrierarr')] })
      .resolves({
        SecretList: [
          entry('carrierarr:fleet', 'carrierarr-two'),
          entry('carrierarr:fleet-x', 'carrierarr'),
          { ARN: 'x' },
        ],
      });

    expect(await secrets.ofFleet('carrierarr')).toMatchObject([{ arn, tags: { 'carrierarr:fleet': 'carrierarr' } }]);
  });
});

describe('deleting a secret', () => {
  it('is final and may be repeated', async () => {
    mock.on(DeleteSecretCommand).resolvesOnce({}).rejects(notFound);

    await secrets.delete(arn);
    await secrets.delete(arn);

    expect(mock.commandCalls(DeleteSecretCommand)[0]?.args[0].input).toEqual({
      SecretId: arn,
      ForceDeleteWithoutRecovery: true,
    });
  });
});
