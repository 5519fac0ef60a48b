import { TerminateInstancesCommand } from '@aws-sdk/client-ec2';
import {
  CancelCommandCommand,
  DescribeInstanceInformationCommand,
  GetCommandInvocationCommand,
  ListCommandInvocationsCommand,
  ListCommandsCommand,
  SendCommandCommand,
  StartSessionCommand,
} from '@aws-sdk/client-ssm';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { FaultSpec } from '../../../local/edge/faults.ts';
import { eventually } from '../../support/eventually.ts';
import { type Bench, launchOne, openBench } from './support.ts';

let bench: Bench;
beforeEach(async () => {
  bench = await openBench({ pendingMs: 0, shuttingDownMs: 0, invisibleMs: 0 });
  bench.edge.ssm.putDocument('carrierarr-verify', documentContent());
});
afterEach(async () => {
  vi.useRealTimers();
  await bench.close();
});

const documentContent = (overrides: object = {}) => ({
  schemaVersion: '2.2',
  parameters: {
    Address: {
      type: 'String',
      allowedPattern: '^[0-9.]+$',
      maxChars: 15,
      interpolationType: 'ENV_VAR',
    },
    Limit: { type: 'String', default: '180', interpolationType: 'ENV_VAR' },
  },
  mainSteps: [
    {
      action: 'aws:runShellScript',
      name: 'verify',
      inputs: { timeoutSeconds: '60', runCommand: ['#!/bin/bash', 'echo "$SSM_Address"'] },
    },
  ],
  ...overrides,
});

const information = async (instanceId: string) => {
  const command = new DescribeInstanceInformationCommand({ Filters: [{ Key: 'InstanceIds', Values: [instanceId] }] });
  return (await bench.ssm.send(command)).InstanceInformationList ?? [];
};

const launchOnline = async (): Promise<string> => {
  const instanceId = await launchOne(bench);
  await eventually(async () => expect(await information(instanceId)).toHaveLength(1));
  return instanceId;
};

const send = async (instanceId: string, parameters: Record<string, string[]> = { Address: ['10.100.0.1'] }) => {
  const sent = await bench.ssm.send(
    new SendCommandCommand({
      DocumentName: 'carrierarr-verify',
      InstanceIds: [instanceId],
      Parameters: parameters,
      TimeoutSeconds: 30,
    }),
  );
  return sent.Command?.CommandId ?? '';
};

const invocation = async (CommandId: string, InstanceId: string) =>
  await bench.ssm.send(new GetCommandInvocationCommand({ CommandId, InstanceId }));

const settled = async (commandId: string, instanceId: string) =>
  await eventually(async () => {
    const answer = await invocation(commandId, instanceId);
    expect(answer.ExecutionEndDateTime).not.toBe('');
    return answer;
  });

const nodeFault = (effect: FaultSpec['effect'], action = 'verify') =>
  bench.inject({ service: 'node', action, times: 1, after: 0, effect });

describe('SendCommand', () => {
  it('runs the joined script with the parameters as variables and answers output and exit code', async () => {
    const instanceId = await launchOnline();

    const answer = await settled(await send(instanceId), instanceId);

    expect(answer).toMatchObject({ Status: 'Success', ResponseCode: 0, StandardOutputContent: '{"ok":true}' });
    expect(bench.host.commands[0]).toMatchObject({
      script: '#!/bin/bash\necho "$SSM_Address"',
      environment: { SSM_Address: '10.100.0.1', SSM_Limit: '180' },
      timeoutSeconds: 60,
    });
  });

  it.each([
    ['a value its pattern refuses', { Address: ['10.0.0.1; rm -rf /'] }],
    ['a value that is too long', { Address: ['1111111111111111'] }],
    ['a missing value', {}],
    ['a parameter the document does not have', { Address: ['1'], Extra: ['1'] }],
  ])('refuses %s', async (_what, parameters) => {
    const instanceId = await launchOnline();

    await expect(send(instanceId, parameters)).rejects.toMatchObject({ name: 'InvalidParameters' });
    expect(bench.host.commands).toEqual([]);
  });

  it('refuses a document that does not exist, and an instance that is not online', async () => {
    const unknown = new SendCommandCommand({ DocumentName: 'nothing', InstanceIds: ['i-1'] });
    await expect(bench.ssm.send(unknown)).rejects.toMatchObject({ name: 'InvalidDocument' });
    await expect(send('i-0123456789abcdef0')).rejects.toMatchObject({ name: 'InvalidInstanceId' });
  });

  it('reports a failing script with the first part of its output', async () => {
    const instanceId = await launchOnline();
    bench.host.result = { status: 'Failed', exitCode: 3, stdout: 'x'.repeat(30_000), stderr: 'y'.repeat(9_000) };

    const answer = await settled(await send(instanceId), instanceId);

    expect(answer).toMatchObject({ Status: 'Failed', StatusDetails: 'Failed', ResponseCode: 3 });
    expect(answer.StandardOutputContent).toHaveLength(24_000);
    expect(answer.StandardErrorContent).toHaveLength(8_000);
  });

  it('reports exit code 137 as a time-out, as the agent does', async () => {
    const instanceId = await launchOnline();
    bench.host.result = { status: 'Failed', exitCode: 137, stdout: '', stderr: '' };

    const answer = await settled(await send(instanceId), instanceId);

    expect(answer).toMatchObject({ Status: 'TimedOut', StatusDetails: 'ExecutionTimedOut' });
  });

  it('ends as cancelled when it is cancelled while it runs', async () => {
    const instanceId = await launchOnline();
    bench.host.hangs = true;
    const commandId = await send(instanceId);
    await eventually(() => expect(bench.host.commands).toHaveLength(1));

    await bench.ssm.send(new CancelCommandCommand({ CommandId: commandId }));

    expect(await settled(commandId, instanceId)).toMatchObject({ Status: 'Cancelled' });
  });

  it('stays in progress when its machine goes away under it', async () => {
    const instanceId = await launchOnline();
    bench.host.hangs = true;
    const commandId = await send(instanceId);
    await eventually(() => expect(bench.host.commands).toHaveLength(1));

    await bench.ec2.send(new TerminateInstancesCommand({ InstanceIds: [instanceId] }));

    await eventually(() => expect(bench.host.stopped).toEqual([instanceId]));
    expect(await invocation(commandId, instanceId)).toMatchObject({ Status: 'InProgress' });
    expect(await information(instanceId)).toMatchObject([{ PingStatus: 'ConnectionLost' }]);
  });

  it('lists commands and invocations', async () => {
    const instanceId = await launchOnline();
    const commandId = await send(instanceId);
    await settled(commandId, instanceId);

    const commands = await bench.ssm.send(new ListCommandsCommand({ InstanceId: instanceId }));
    const invocations = await bench.ssm.send(
      new ListCommandInvocationsCommand({ CommandId: commandId, Details: true }),
    );

    expect(commands.Commands).toMatchObject([{ CommandId: commandId, Status: 'Success' }]);
    expect(invocations.CommandInvocations?.[0]?.CommandPlugins?.[0]).toMatchObject({ Output: '{"ok":true}' });
  });

  it('has no invocation for a moment after it was accepted', async () => {
    await bench.close();
    vi.useFakeTimers({ toFake: ['Date'] });
    bench = await openBench({ pendingMs: 0, shuttingDownMs: 0, invisibleMs: 0 }, 150);
    bench.edge.ssm.putDocument('carrierarr-verify', documentContent());
    const instanceId = await launchOnline();
    const commandId = await send(instanceId);

    await expect(invocation(commandId, instanceId)).rejects.toMatchObject({ name: 'InvocationDoesNotExist' });
    vi.advanceTimersByTime(150);
    expect(await settled(commandId, instanceId)).toMatchObject({ Status: 'Success' });
  });
});

describe('faults on a node', () => {
  it('makes the script of one step exit with the code asked for', async () => {
    const instanceId = await launchOnline();
    nodeFault({ kind: 'exit', code: 1, output: 'no route' });

    const answer = await settled(await send(instanceId), instanceId);

    expect(answer).toMatchObject({ Status: 'Failed', ResponseCode: 1, StandardOutputContent: 'no route' });
    expect(bench.host.commands).toEqual([]);
  });

  it.each([
    ['DeliveryTimedOut', 'TimedOut'],
    ['Undeliverable', 'Failed'],
    ['Cancelled', 'Cancelled'],
  ] as const)('ends a command as %s', async (status, shown) => {
    const instanceId = await launchOnline();
    nodeFault({ kind: 'command-status', status });

    expect(await settled(await send(instanceId), instanceId)).toMatchObject({ Status: shown, StatusDetails: status });
  });

  it('lets the machine vanish when the step starts', async () => {
    const instanceId = await launchOnline();
    nodeFault({ kind: 'vanish' });

    await send(instanceId);

    await eventually(() => expect(bench.host.stopped).toEqual([instanceId]));
    expect(await information(instanceId)).toMatchObject([{ PingStatus: 'ConnectionLost' }]);
  });

  it('keeps a node from ever registering', async () => {
    nodeFault({ kind: 'never-online' }, 'register');

    const instanceId = await launchOne(bench);

    await eventually(() => expect(bench.host.started).toHaveLength(1));
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(await information(instanceId)).toEqual([]);
  });
});

describe('documents', () => {
  it.each([
    ['text interpolation', { parameters: { A: { type: 'String' } } }],
    [
      'a script with {{ in it',
      { mainSteps: [{ action: 'aws:runShellScript', name: 'x', inputs: { runCommand: ['{{ Address }}'] } }] },
    ],
    ['another schema', { schemaVersion: '1.2' }],
  ])('refuses %s', (_what, overrides) => {
    expect(() => bench.edge.ssm.putDocument('bad', documentContent(overrides))).toThrow(/document bad/);
  });
});

describe('DescribeInstanceInformation', () => {
  it('filters by id, state and kind of node, and refuses what it does not know', async () => {
    const instanceId = await launchOnline();
    const count = async (Key: string, ...Values: string[]) => {
      const answer = await bench.ssm.send(new DescribeInstanceInformationCommand({ Filters: [{ Key, Values }] }));
      return answer.InstanceInformationList?.length;
    };

    expect(await count('InstanceIds', instanceId, 'i-2')).toBe(1);
    expect(await count('InstanceIds', 'i-2')).toBe(0);
    expect(await count('PingStatus', 'Online')).toBe(1);
    expect(await count('ResourceType', 'EC2Instance')).toBe(1);
    expect(await count('ResourceType', 'ManagedInstance')).toBe(0);
    await expect(count('NoSuchKey', 'x')).rejects.toMatchObject({ name: 'InvalidFilterKey' });
  });
});

describe('StartSession', () => {
  it('says that there is no Session Manager here', async () => {
    await expect(bench.ssm.send(new StartSessionCommand({ Target: 'i-1' }))).rejects.toMatchObject({
      name: 'TargetNotConnected',
    });
  });
});
