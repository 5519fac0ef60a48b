import { GetParameterCommand, PutParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { beforeEach, describe, expect, it } from 'vitest';
import { createParameters } from '../../../../lambda/shared/aws/parameters.ts';
import { mockClient } from '../../../support/mock-client.ts';

const sdk = mockClient(SSMClient);
const parameters = createParameters(new SSMClient({ region: 'us-west-2' }));
const failure = (name: string): Error => Object.assign(new Error('said AWS'), { name });

beforeEach(() => sdk.reset());

describe('Parameter Store', () => {
  it('finds a value, or nothing', async () => {
    sdk.on(GetParameterCommand, { Name: '/a' }).resolves({ Parameter: { Value: 'text' } });
    sdk.on(GetParameterCommand, { Name: '/b' }).rejects(failure('ParameterNotFound'));

    await expect(parameters.find('/a')).resolves.toBe('text');
    await expect(parameters.find('/b')).resolves.toBeUndefined();
  });

  it('creates and never overwrites', async () => {
    sdk.on(PutParameterCommand).resolvesOnce({}).rejectsOnce(failure('ParameterAlreadyExists'));

    await expect(parameters.create('/a', 'text', 'what')).resolves.toBe('created');
    await expect(parameters.create('/a', 'text', 'what')).resolves.toBe('exists');

    expect(sdk.commandCalls(PutParameterCommand)[0]?.args[0].input).toMatchObject({ Overwrite: false, Type: 'String' });
  });

  it('lets other failures through, translated', async () => {
    sdk.on(GetParameterCommand).rejects(failure('AccessDeniedException'));

    await expect(parameters.find('/a')).rejects.toMatchObject({ name: 'PermissionError' });
  });
});
