import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { CreateStateMachineCommand, ListExecutionsCommand, SFNClient, StopExecutionCommand } from '@aws-sdk/client-sfn';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { ProvisionAnswer, TeardownAnswer, WorkerView } from '#contract';
import { workerRoutes } from '../../lambda/api/routes.ts';
import { rescueWorker } from '../../lambda/rescue/rescue-worker.ts';
import { scaledNames, scaleFleet } from '../../lambda/scale/scale-fleet.ts';
import { createDoorPorts, type DoorPorts } from '../../lambda/shared/doors/create-ports.ts';
import { proxyHandler } from '../../lambda/shared/proxy.ts';
import { createMemoryLog, SETTINGS } from '../fake/doors.ts';
import { aProxyEvent, bodyOf } from '../fake/proxy-event.ts';
import { createRegistryTable } from './registry-table.ts';
import { type Emulator, obstacle, startEmulator } from './support/emulator.ts';

if (obstacle !== undefined) console.warn(`SKIPPED: the doors on Step Functions. ${obstacle}`);

/** A machine that stays open until it is stopped. */
const WAITING = JSON.stringify({ StartAt: 'Wait', States: { Wait: { Type: 'Wait', Seconds: 3600, End: true } } });

describe.skipIf(obstacle !== undefined)('the doors on Step Functions', () => {
  let emulator: Emulator | undefined;
  let sfn: SFNClient;
  let ports: DoorPorts;
  let handler: ReturnType<typeof proxyHandler>;

  const createMachine = async (name: string): Promise<string> => {
    const roleArn = 'arn:aws:iam::000000000000:role/machine';
    const { stateMachineArn } = await sfn.send(new CreateStateMachineCommand({ name, roleArn, definition: WAITING }));
    return stateMachineArn ?? '';
  };

  beforeAll(async () => {
    emulator = await startEmulator();
    vi.stubEnv('AWS_ENDPOINT_URL', emulator.url);
    vi.stubEnv('AWS_REGION', 'us-west-2');
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'test');
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'test');
    sfn = new SFNClient({});
    const dynamo = new DynamoDBClient({});
    const environment = {
      FLEET_SETTINGS: SETTINGS,
      REGISTRY_TABLE: await createRegistryTable(dynamo, 'registry'),
      PROVISION_STATE_MACHINE: await createMachine('carrierarr-provision'),
      TEARDOWN_STATE_MACHINE: await createMachine('carrierarr-teardown'),
    };
    const log = createMemoryLog();
    ports = createDoorPorts(environment, log);
    handler = proxyHandler(workerRoutes(ports), log);
    dynamo.destroy();
  });

  afterAll(async () => {
    vi.unstubAllEnvs();
    sfn?.destroy();
    await emulator?.stop();
  });

  const post = (request: object) => handler(aProxyEvent('POST', '/workers', { body: JSON.stringify(request) }));
  const open = async (machine: string, part: string): Promise<string[]> => {
    const list = new ListExecutionsCommand({ stateMachineArn: machine, statusFilter: 'RUNNING', maxResults: 1000 });
    const { executions } = await sfn.send(list);
    return (executions ?? []).map(({ name }) => name ?? '').filter((name) => name.startsWith(part));
  };

  it('starts one execution for twenty equal calls at once', async () => {
    const results = await Promise.all(Array.from({ length: 20 }, () => post({ name: 'twin' })));

    const answers = results.map((result) => ProvisionAnswer.parse(bodyOf(result)));
    expect(results.filter(({ statusCode }) => statusCode === 202)).toHaveLength(1);
    expect(results.filter(({ statusCode }) => statusCode === 200)).toHaveLength(19);
    expect(new Set(answers.map(({ execution }) => execution)).size).toBe(1);
    expect(await open(ports.machines.provision, 'twin-')).toHaveLength(1);
  });

  it('starts a provision for each worker of an event, once for two deliveries', async () => {
    const event = {
      id: 'event-1',
      'detail-type': 'Scale Out Requested',
      time: '2026-11-21T10:00:00Z',
      detail: { count: 12, role: 'gpu-worker' },
    };

    await Promise.all([scaleFleet(ports, event), scaleFleet(ports, event)]);

    const names = scaledNames('event-1', 'gpu-worker', 12);
    expect((await open(ports.machines.provision, 'gpu-worker-')).length).toBe(names.length);
  });

  it('has a worker torn down whose provision was stopped, and refuses its name until then', async () => {
    const { execution, generation } = ProvisionAnswer.parse(bodyOf(await post({ name: 'stopped' })));
    await sfn.send(new StopExecutionCommand({ executionArn: execution }));
    const detail = {
      executionArn: execution,
      stateMachineArn: ports.machines.provision,
      name: `stopped-${generation}`,
      status: 'ABORTED',
    };

    const rescue = await rescueWorker(ports, { detail });
    const again = await post({ name: 'stopped' });
    const view = WorkerView.parse(bodyOf(await handler(aProxyEvent('GET', '/workers/stopped'))));

    expect(rescue).toMatchObject({ action: 'teardown' });
    expect(again.statusCode).toBe(409);
    expect(view.failure?.error).toBe('Execution.ABORTED');
    expect(await open(ports.machines.teardown, `stopped-${generation}-t`)).toContain(`stopped-${generation}-t1`);
  });

  it('starts a teardown by call, and points to it while it holds the lease', async () => {
    const { generation } = ProvisionAnswer.parse(bodyOf(await post({ name: 'leaving' })));

    const first = TeardownAnswer.parse(bodyOf(await handler(aProxyEvent('DELETE', '/workers/leaving'))));
    await ports.registry.fence({ name: 'leaving', generation }, first.execution, 600);
    const second = TeardownAnswer.parse(bodyOf(await handler(aProxyEvent('DELETE', '/workers/leaving'))));

    expect(second).toEqual(first);
    expect(await ports.executions.status(first.execution)).toBe('open');
    expect(await ports.executions.status(`${first.execution}-never`)).toBe('unknown');
  });
});
