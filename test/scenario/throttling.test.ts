import { expect, it } from 'vitest';
import { finished, provision, reached, start, teardown } from './support/executions.ts';
import { api, describeScenario, injectFaults, strikes, strikesAtAnyone, uniqueName } from './support/fleet.ts';
import { eventuallyRemoved, expectGone, instancesOf } from './support/remains.ts';

const throttled = (service: string, action: string, match: string) => ({
  service,
  action,
  match,
  times: 2,
  effect: {
    kind: 'error' as const,
    code: service === 'ec2' ? 'RequestLimitExceeded' : 'ThrottlingException',
    status: service === 'ec2' ? 503 : 400,
  },
});

/** Every AWS call of a worker's life that carries its name, so that one worker's throttle strikes no other. */
const NAMED: readonly (readonly [string, string])[] = [
  ['dynamodb', 'GetItem'],
  ['dynamodb', 'PutItem'],
  ['dynamodb', 'UpdateItem'],
  ['dynamodb', 'TransactWriteItems'],
  ['ec2', 'CreateFleet'],
  ['ec2', 'DescribeInstances'],
  ['ec2', 'DescribeVolumes'],
  ['events', 'PutEvents'],
  ['secretsmanager', 'CreateSecret'],
  ['secretsmanager', 'TagResource'],
  ['secretsmanager', 'DescribeSecret'],
  ['secretsmanager', 'DeleteSecret'],
  ['secretsmanager', 'GetSecretValue'],
  ['ssm', 'SendCommand'],
];

/** Calls that carry no name: whichever worker makes them is struck, so all of them must get over it. */
const NAMELESS: readonly (readonly [string, string])[] = [
  ['ec2', 'DescribeInstanceTypeOfferings'],
  ['ec2', 'DescribeSpotInstanceRequests'],
  ['ec2', 'DescribeSubnets'],
  ['ec2', 'TerminateInstances'],
  ['ec2', 'DescribeNetworkInterfaces'],
  ['kms', 'Sign'],
  ['ssm', 'DescribeInstanceInformation'],
  ['ssm', 'GetCommandInvocation'],
];

const liveAndDie = async (name: string): Promise<void> => {
  expect(await provision({ name })).toMatchObject({ status: 'SUCCEEDED' });
  expect(await teardown({ name })).toMatchObject({ status: 'SUCCEEDED' });
  await expectGone(name);
};

describeScenario('throttling is got over', () => {
  it.each(NAMED)('%s %s', async (service, action) => {
    const name = uniqueName('slow');
    await injectFaults(throttled(service, action, name));

    await liveAndDie(name);

    expect(await strikes(name)).toBe(2);
  });

  it.each(NAMELESS)('%s %s', async (service, action) => {
    const { match: _, ...fault } = throttled(service, action, '');
    await injectFaults(fault);

    await liveAndDie(uniqueName('slow'));

    expect(await strikesAtAnyone(service, action)).toBeGreaterThanOrEqual(2);
  });
});

describeScenario('throttling of the doors and of the upkeep is got over', () => {
  it('states StartExecution behind the API', async () => {
    const name = uniqueName('door');
    await injectFaults(throttled('states', 'StartExecution', name));

    const { execution } = await (await api()).provision({ name });

    expect((await finished(execution)).status).toBe('SUCCEEDED');
    expect(await strikes(name)).toBe(2);
    await teardown({ name });
    await expectGone(name);
  });

  it('secretsmanager PutSecretValue in a renewal', async () => {
    const name = uniqueName('renew');
    await provision({ name });
    await injectFaults(throttled('secretsmanager', 'PutSecretValue', name));

    expect(await finished(await start('renewStateMachine', { names: [name] }))).toMatchObject({ status: 'SUCCEEDED' });

    expect(await strikes(name)).toBe(2);
    await teardown({ name });
    await expectGone(name);
  });

  it('ssm CancelCommand in a teardown', async () => {
    const name = uniqueName('cancel');
    const arn = await start('provisionStateMachine', { name });
    await reached(arn, 'AwaitBootPoll');
    const { match: _, ...fault } = throttled('ssm', 'CancelCommand', '');
    await injectFaults(fault);

    expect(await teardown({ name })).toMatchObject({ status: 'SUCCEEDED' });

    expect(await strikesAtAnyone('ssm', 'CancelCommand')).toBeGreaterThanOrEqual(1);
    await eventuallyRemoved(name);
  });
});

describeScenario('a lost answer does no harm', () => {
  it.each([
    ['ec2', 'CreateFleet'],
    ['dynamodb', 'TransactWriteItems'],
    ['secretsmanager', 'CreateSecret'],
    ['ssm', 'SendCommand'],
  ])('%s %s took effect, but nobody heard', async (service, action) => {
    const name = uniqueName('lost');
    await injectFaults({ service, action, match: name, effect: { kind: 'lost-answer' } });

    expect(await provision({ name })).toMatchObject({ status: 'SUCCEEDED' });

    expect(await strikes(name)).toBe(1);
    expect(await instancesOf(name)).toHaveLength(1);
    expect(await teardown({ name })).toMatchObject({ status: 'SUCCEEDED' });
    await expectGone(name);
  });
});
