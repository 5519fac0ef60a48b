import {
  DescribeExecutionCommand,
  ExecutionAlreadyExists,
  ExecutionDoesNotExist,
  ExecutionLimitExceeded,
  SFNClient,
  StartExecutionCommand,
  StateMachineDoesNotExist,
} from '@aws-sdk/client-sfn';
import { beforeEach, describe, expect, it } from 'vitest';
import { createExecutions } from '../../../../lambda/shared/aws/step-functions.ts';
import { ConfigurationError, PermissionError, ThrottledError } from '../../../../lambda/shared/errors.ts';
import { mockClient } from '../../../support/mock-client.ts';

const sfn = mockClient(SFNClient);
const executions = createExecutions(new SFNClient({ region: 'us-west-2' }));
const start = { stateMachine: 'arn:machine', name: 'gpu-worker-001-mhx0000a', input: '{"name":"gpu-worker-001"}' };
const failure = { message: 'refused', $metadata: { httpStatusCode: 400 } };

beforeEach(() => {
  sfn.reset();
});

describe('starting an execution', () => {
  it('hands over name and input as they are', async () => {
    sfn.on(StartExecutionCommand).resolves({});

    expect(await executions.start(start)).toBe(true);
    expect(sfn.commandCalls(StartExecutionCommand)[0]?.args[0].input).toEqual({
      stateMachineArn: start.stateMachine,
      name: start.name,
      input: start.input,
    });
  });

  it('says that the name is used up', async () => {
    sfn.on(StartExecutionCommand).rejects(new ExecutionAlreadyExists(failure));

    expect(await executions.start(start)).toBe(false);
  });

  it.each([
    ['too many open executions', new ExecutionLimitExceeded(failure), ThrottledError],
    ['no state machine', new StateMachineDoesNotExist(failure), ConfigurationError],
    ['no permission', Object.assign(new Error('no'), { name: 'AccessDeniedException' }), PermissionError],
  ])('for %s throws an error of ours', async (_case, thrown, expected) => {
    sfn.on(StartExecutionCommand).rejects(thrown);

    await expect(executions.start(start)).rejects.toThrow(expected);
  });
});

describe('the status of an execution', () => {
  it.each([
    ['RUNNING', 'open'],
    ['PENDING_REDRIVE', 'open'],
    ['SUCCEEDED', 'closed'],
    ['FAILED', 'closed'],
    ['TIMED_OUT', 'closed'],
    ['ABORTED', 'closed'],
  ] as const)('%s counts as %s', async (status, expected) => {
    sfn.on(DescribeExecutionCommand).resolves({ status });

    expect(await executions.status('arn:execution')).toBe(expected);
  });

  it('is unknown where Step Functions knows none', async () => {
    sfn.on(DescribeExecutionCommand).rejects(new ExecutionDoesNotExist(failure));

    expect(await executions.status('arn:execution')).toBe('unknown');
  });
});
