import {
  CancelCommandCommand,
  DescribeInstanceInformationCommand,
  GetCommandInvocationCommand,
  SendCommandCommand,
  SSMClient,
} from '@aws-sdk/client-ssm';
import { describe, expect, it } from 'vitest';
import { createRunCommands } from '../../../../lambda/shared/aws/ssm.ts';
import { mockClient } from '../../../support/mock-client.ts';

const setUp = () => {
  const client = new SSMClient({ region: 'us-west-2' });
  return { mock: mockClient(client), commands: createRunCommands(client) };
};
const named = (name: string, status = 400): Error =>
  Object.assign(new Error(`told by ${name}`), { name, $metadata: { httpStatusCode: status } });

const REQUEST = {
  document: 'carrierarr-node-status',
  instanceId: 'i-1',
  parameters: { Worker: 'gpu-worker-001' },
  deliverySeconds: 60,
  comment: 'node-status for x',
};

describe('agent', () => {
  it('asks for the one instance', async () => {
    const { mock, commands } = setUp();
    mock.on(DescribeInstanceInformationCommand).resolves({
      InstanceInformationList: [{ InstanceId: 'i-1', PingStatus: 'Online', AgentVersion: '3.3.3572.0' }],
    });

    await expect(commands.agent('i-1')).resolves.toEqual({ pingStatus: 'Online', version: '3.3.3572.0' });
    expect(mock.call(0).args[0].input).toEqual({ Filters: [{ Key: 'InstanceIds', Values: ['i-1'] }] });
  });

  it('is unknown before it registers, whichever way the API says so', async () => {
    const { mock, commands } = setUp();
    mock
      .on(DescribeInstanceInformationCommand)
      .resolvesOnce({ InstanceInformationList: [] })
      .rejectsOnce(named('InvalidInstanceId'));

    await expect(commands.agent('i-1')).resolves.toBeUndefined();
    await expect(commands.agent('i-1')).resolves.toBeUndefined();
  });
});

describe('managed nodes', () => {
  it('are asked for by type and tags, on every page', async () => {
    const { mock, commands } = setUp();
    const registered = new Date('2026-11-01');
    mock
      .on(DescribeInstanceInformationCommand)
      .resolvesOnce({
        InstanceInformationList: [{ InstanceId: 'mi-1', PingStatus: 'Inactive', RegistrationDate: registered }],
        NextToken: 'more',
      })
      .resolvesOnce({ InstanceInformationList: [{ InstanceId: 'mi-2', PingStatus: 'Online' }] });

    const nodes = await commands.managed({ 'carrierarr:role': 'homelab' });

    expect(nodes).toEqual([
      { instanceId: 'mi-1', pingStatus: 'Inactive', registeredAt: registered },
      { instanceId: 'mi-2', pingStatus: 'Online', registeredAt: new Date(0) },
    ]);
    expect(mock.call(1).args[0].input).toEqual({
      Filters: [
        { Key: 'ResourceType', Values: ['ManagedInstance'] },
        { Key: 'tag:carrierarr:role', Values: ['homelab'] },
      ],
      NextToken: 'more',
    });
  });
});

describe('send', () => {
  it('names document, instance, delivery limit and each parameter as a list', async () => {
    const { mock, commands } = setUp();
    mock.on(SendCommandCommand).resolves({ Command: { CommandId: 'c-1' } });

    await expect(commands.send(REQUEST)).resolves.toBe('c-1');
    expect(mock.call(0).args[0].input).toEqual({
      DocumentName: 'carrierarr-node-status',
      InstanceIds: ['i-1'],
      Parameters: { Worker: ['gpu-worker-001'] },
      TimeoutSeconds: 60,
      Comment: 'node-status for x',
    });
  });

  it('tells a target that is not accepted apart from an error', async () => {
    const { mock, commands } = setUp();
    mock.on(SendCommandCommand).rejects(named('InvalidInstanceId'));

    await expect(commands.send(REQUEST)).resolves.toBeUndefined();
  });

  it.each([
    ['InvalidDocument', 400, 'ConfigurationError'],
    ['InvalidParameters', 400, 'ConfigurationError'],
    ['ThrottlingException', 400, 'ThrottledError'],
    ['AccessDeniedException', 400, 'PermissionError'],
    ['InternalServerError', 500, 'ServiceUnavailableError'],
  ])('turns %s into %s %s', async (name, status, expected) => {
    const { mock, commands } = setUp();
    mock.on(SendCommandCommand).rejects(named(name, status));

    await expect(commands.send(REQUEST)).rejects.toMatchObject({ name: expected });
  });
});

describe('invocation', () => {
  it('carries status, exit code and output', async () => {
    const { mock, commands } = setUp();
    mock.on(GetCommandInvocationCommand, { CommandId: 'c-1', InstanceId: 'i-1' }).resolves({
      Status: 'Failed',
      StatusDetails: 'Failed',
      ResponseCode: 3,
      StandardOutputContent: 'out',
      StandardErrorContent: 'err',
    });

    await expect(commands.invocation('c-1', 'i-1')).resolves.toEqual({
      status: 'Failed',
      statusDetails: 'Failed',
      exitCode: 3,
      stdout: 'out',
      stderr: 'err',
    });
  });

  it('is unknown while there is none, and only then', async () => {
    const { mock, commands } = setUp();
    mock
      .on(GetCommandInvocationCommand)
      .rejectsOnce(named('InvocationDoesNotExist'))
      .rejectsOnce(named('ThrottlingException'));

    await expect(commands.invocation('c-1', 'i-1')).resolves.toBeUndefined();
    await expect(commands.invocation('c-1', 'i-1')).rejects.toMatchObject({ name: 'ThrottledError' });
  });
});

describe('cancel', () => {
  it('is false for a command that Systems Manager has forgotten', async () => {
    const { mock, commands } = setUp();
    mock.on(CancelCommandCommand).resolvesOnce({}).rejectsOnce(named('InvalidCommandId'));

    await expect(commands.cancel('c-1')).resolves.toBe(true);
    await expect(commands.cancel('c-1')).resolves.toBe(false);
    expect(mock.call(0).args[0].input).toEqual({ CommandId: 'c-1' });
  });
});
