import { DescribeExecutionCommand, SFNClient, StartExecutionCommand } from '@aws-sdk/client-sfn';
import type { ExecutionStatus, Executions } from '../doors/executions.ts';
import { ConfigurationError, ThrottledError } from '../errors.ts';
import { awsCall, isAwsError } from './aws-errors.ts';

export const createStepFunctionsClient = (): SFNClient => new SFNClient({ retryMode: 'adaptive', maxAttempts: 10 });

/** What StartExecution itself means by an error, before the general translation. */
const translateStart = (error: unknown, stateMachine: string): unknown => {
  if (isAwsError(error, 'ExecutionLimitExceeded')) {
    return new ThrottledError({
      what: 'the account has as many open executions as it may',
      remedy: 'send the request again later',
      cause: error,
    });
  }
  if (isAwsError(error, 'StateMachineDoesNotExist', 'StateMachineDeleting')) {
    return new ConfigurationError({
      what: 'the state machine does not exist',
      got: stateMachine,
      remedy: 'deploy the fleet stack again',
      cause: error,
    });
  }
  return error;
};

export const createExecutions = (client: SFNClient): Executions => ({
  async start({ stateMachine, name, input }) {
    const command = new StartExecutionCommand({ stateMachineArn: stateMachine, name, input });
    try {
      await awsCall('states:StartExecution', () => client.send(command));
      return true;
    } catch (error) {
      if (isAwsError(error, 'ExecutionAlreadyExists')) return false;
      throw translateStart(error, stateMachine);
    }
  },
  async status(execution): Promise<ExecutionStatus> {
    const command = new DescribeExecutionCommand({ executionArn: execution, includedData: 'METADATA_ONLY' });
    try {
      const { status } = await awsCall('states:DescribeExecution', () => client.send(command));
      return status === 'RUNNING' || status === 'PENDING_REDRIVE' ? 'open' : 'closed';
    } catch (error) {
      if (isAwsError(error, 'ExecutionDoesNotExist')) return 'unknown';
      throw error;
    }
  },
});
