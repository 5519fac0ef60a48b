import { GetSecretValueCommand, PutSecretValueCommand } from '@aws-sdk/client-secrets-manager';
import {
  AddTagsToResourceCommand,
  CreateActivationCommand,
  DeleteActivationCommand,
  DeregisterManagedInstanceCommand,
  DescribeActivationsCommand,
  DescribeInstanceInformationCommand,
  GetCommandInvocationCommand,
  ListTagsForResourceCommand,
  SendCommandCommand,
} from '@aws-sdk/client-ssm';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { eventually } from '../../support/eventually.ts';
import { aHomelabNode } from '../node/builders.ts';
import { type Bench, openBench } from './support.ts';

const TAGS = { 'carrierarr:fleet': 'carrierarr', 'carrierarr:role': 'homelab' };
const SECRET = 'catalyst-llm/handover-lighthouse-1-homelab';
const DOCUMENT = 'carrierarr-homelab-peer';

let bench: Bench;
beforeEach(async () => {
  bench = await openBench({ pendingMs: 0, shuttingDownMs: 0, invisibleMs: 0 });
  bench.edge.ssm.putDocument(DOCUMENT, {
    schemaVersion: '2.2',
    parameters: { Worker: { type: 'String', interpolationType: 'ENV_VAR' } },
    mainSteps: [
      { action: 'aws:runShellScript', name: 'homelab-peer', inputs: { timeoutSeconds: '60', runCommand: ['true'] } },
    ],
  });
});
afterEach(() => bench.close());

const activate = async (overrides: { RegistrationLimit?: number; ExpirationDate?: Date } = {}) => {
  const Tags = Object.entries(TAGS).map(([Key, Value]) => ({ Key, Value }));
  const { ActivationId = '', ActivationCode = '' } = await bench.ssm.send(
    new CreateActivationCommand({ IamRole: 'carrierarr-homelab', DefaultInstanceName: 'homelab', Tags, ...overrides }),
  );
  return { activationId: ActivationId, activationCode: ActivationCode, ipAddress: '10.244.0.10' };
};

const enrol = async () => {
  const registration = bench.edge.enrol(await activate());
  const node = aHomelabNode({ instanceId: registration.instanceId });
  await bench.edge.nodes.adopt(registration, await bench.host.startHomelab({ node }), node.directory);
  return registration;
};

const information = async (...filters: [key: string, value: string][]) => {
  const Filters = filters.map(([Key, value]) => ({ Key, Values: [value] }));
  return (await bench.ssm.send(new DescribeInstanceInformationCommand({ Filters }))).InstanceInformationList ?? [];
};

const send = async (instanceId: string, worker = 'gpu-1') => {
  const command = new SendCommandCommand({
    DocumentName: DOCUMENT,
    InstanceIds: [instanceId],
    Parameters: { Worker: [worker] },
    TimeoutSeconds: 30,
  });
  return (await bench.ssm.send(command)).Command?.CommandId ?? '';
};

const invocation = (InstanceId: string, CommandId: string) =>
  bench.ssm.send(new GetCommandInvocationCommand({ CommandId, InstanceId }));

const statusOf = async (instanceId: string, commandId: string) => (await invocation(instanceId, commandId)).Status;

describe('a hybrid activation', () => {
  it('is listed with what it was made for, and not with its code', async () => {
    const { activationId, activationCode } = await activate();

    const { ActivationList } = await bench.ssm.send(
      new DescribeActivationsCommand({ Filters: [{ FilterKey: 'ActivationIds', FilterValues: [activationId] }] }),
    );

    expect(ActivationList).toMatchObject([
      { ActivationId: activationId, IamRole: 'carrierarr-homelab', RegistrationLimit: 1, RegistrationsCount: 0 },
    ]);
    expect(JSON.stringify(ActivationList)).not.toContain(activationCode);
  });

  it('serves as many machines as it was made for', async () => {
    const activation = await activate({ RegistrationLimit: 2 });
    bench.edge.enrol(activation);
    bench.edge.enrol(activation);

    expect(() => bench.edge.enrol(activation)).toThrow(/used up/);
  });

  it('serves nobody without its code, nor after it is deleted', async () => {
    const activation = await activate();

    expect(() => bench.edge.enrol({ ...activation, activationCode: 'guess' })).toThrow(/code is wrong/);
    await bench.ssm.send(new DeleteActivationCommand({ ActivationId: activation.activationId }));
    expect(() => bench.edge.enrol(activation)).toThrow(/unknown/);
  });

  it('cannot outlive thirty days', async () => {
    const made = activate({ ExpirationDate: new Date(Date.now() + 31 * 86_400_000) });

    await expect(made).rejects.toMatchObject({ name: 'InvalidParameters' });
  });
});

describe('a managed node outside EC2', () => {
  it('is found by the tags of its activation, its kind and its state', async () => {
    const { instanceId } = await enrol();

    const found = await information(
      ['tag:carrierarr:fleet', 'carrierarr'],
      ['tag:carrierarr:role', 'homelab'],
      ['ResourceType', 'ManagedInstance'],
      ['PingStatus', 'Online'],
    );

    expect(instanceId).toMatch(/^mi-[0-9a-f]{17}$/);
    expect(found).toMatchObject([{ InstanceId: instanceId, ResourceType: 'ManagedInstance', Name: 'homelab' }]);
    expect(await information(['tag:carrierarr:fleet', 'another'])).toEqual([]);
  });

  it('can be tagged', async () => {
    const { instanceId } = await enrol();
    const resource = { ResourceType: 'ManagedInstance', ResourceId: instanceId } as const;

    await bench.ssm.send(new AddTagsToResourceCommand({ ...resource, Tags: [{ Key: 'rack', Value: '1' }] }));
    const { TagList } = await bench.ssm.send(new ListTagsForResourceCommand(resource));

    expect(TagList).toContainEqual({ Key: 'rack', Value: '1' });
    expect(await information(['tag:rack', '1'])).toHaveLength(1);
  });

  it('runs commands', async () => {
    const { instanceId } = await enrol();

    const commandId = await send(instanceId);

    await eventually(async () => expect(await statusOf(instanceId, commandId)).toBe('Success'));
    expect(bench.host.commands).toMatchObject([{ step: 'homelab-peer', environment: { SSM_Worker: 'gpu-1' } }]);
  });

  it('reads and writes the secrets bound to it, and no others', async () => {
    const { instanceId, arn } = await enrol();
    const secrets = bench.secretsAs(instanceId);
    bench.upstream.secrets.set(SECRET, { 'carrierarr:instance': arn, 'carrierarr:writer': arn });
    bench.upstream.secrets.set('other', { 'carrierarr:instance': 'unbound', 'carrierarr:writer': 'unbound' });

    await secrets.send(new GetSecretValueCommand({ SecretId: SECRET }));
    await secrets.send(new PutSecretValueCommand({ SecretId: SECRET, SecretString: 'kubeconfig' }));

    const denied = { name: 'AccessDeniedException' };
    await expect(secrets.send(new GetSecretValueCommand({ SecretId: 'other' }))).rejects.toMatchObject(denied);
  });

  it('is gone with its credentials once it is deregistered', async () => {
    const { instanceId, arn } = await enrol();
    bench.upstream.secrets.set(SECRET, { 'carrierarr:instance': arn });

    await bench.ssm.send(new DeregisterManagedInstanceCommand({ InstanceId: instanceId }));

    expect(await information(['ResourceType', 'ManagedInstance'])).toEqual([]);
    expect(bench.host.stopped).toEqual([instanceId]);
    await expect(
      bench.secretsAs(instanceId).send(new GetSecretValueCommand({ SecretId: SECRET })),
    ).rejects.toMatchObject({ name: 'UnrecognizedClientException' });
  });
});

describe('the line to the homelab', () => {
  const setOnline = (online: boolean) =>
    fetch(`${bench.edge.url}/_edge/homelab`, { method: 'POST', body: JSON.stringify({ online }) });

  it('refuses commands while it is cut, and takes them again', async () => {
    const { instanceId } = await enrol();

    await setOnline(false);
    expect(await information(['PingStatus', 'ConnectionLost'])).toHaveLength(1);
    await expect(send(instanceId)).rejects.toMatchObject({ name: 'InvalidInstanceId' });

    await setOnline(true);
    const commandId = await send(instanceId);
    await eventually(async () => expect(await statusOf(instanceId, commandId)).toBe('Success'));
  });

  it('tells the end of a script that ran on while it was cut', async () => {
    const { instanceId } = await enrol();
    bench.host.hangs = true;
    const commandId = await send(instanceId);
    await eventually(() => expect(bench.host.commands).toHaveLength(1));

    await setOnline(false);
    bench.host.release();
    expect(await statusOf(instanceId, commandId)).toBe('InProgress');

    await setOnline(true);
    await eventually(async () => expect(await statusOf(instanceId, commandId)).toBe('Success'));
  });

  it('breaks when a step starts, if a fault says so for that worker', async () => {
    const { instanceId } = await enrol();
    const effect = { kind: 'vanish' } as const;
    bench.inject({ service: 'node', action: 'homelab-peer', match: 'gpu-2', times: 1, after: 0, effect });

    const unharmed = await send(instanceId, 'gpu-1');
    await eventually(async () => expect(await statusOf(instanceId, unharmed)).toBe('Success'));
    const struck = await send(instanceId, 'gpu-2');

    await eventually(async () => expect(await information(['PingStatus', 'ConnectionLost'])).toHaveLength(1));
    expect(await statusOf(instanceId, struck)).toBe('Pending');
  });
});
