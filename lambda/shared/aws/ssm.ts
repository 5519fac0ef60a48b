import {
  CancelCommandCommand,
  DescribeInstanceInformationCommand,
  GetCommandInvocationCommand,
  paginateDescribeInstanceInformation,
  SendCommandCommand,
  SSMClient,
} from '@aws-sdk/client-ssm';
import type { CommandRequest, ManagedNode, RunCommands } from '../../run-command/port.ts';
import { ConfigurationError } from '../errors.ts';
import { awsCall, isAwsError } from './aws-errors.ts';

const UNKNOWN_INVOCATION = ['InvocationDoesNotExist', 'InvalidCommandId', 'InvalidInstanceId'];
const UNUSABLE_DOCUMENT = ['InvalidDocument', 'InvalidDocumentVersion', 'InvalidParameters', 'MaxDocumentSizeExceeded'];

/** Runs a call; an error of one of these names means "there is no such thing". */
const absentOn = async <T>(names: readonly string[], call: string, run: () => Promise<T>): Promise<T | undefined> => {
  try {
    return await awsCall(call, run);
  } catch (error) {
    if (isAwsError(error, ...names)) return undefined;
    throw error;
  }
};

const unusable = (error: Error, { document }: CommandRequest): ConfigurationError =>
  new ConfigurationError({
    what: `Systems Manager does not accept document ${document}`,
    got: `${error.name}: ${error.message}`,
    remedy: 'deploy the stack again: the deployed documents and functions are not of one version',
    cause: error,
  });

const send = async (client: SSMClient, request: CommandRequest): Promise<string | undefined> => {
  const command = new SendCommandCommand({
    DocumentName: request.document,
    InstanceIds: [request.instanceId],
    Parameters: Object.fromEntries(Object.entries(request.parameters).map(([name, value]) => [name, [value]])),
    TimeoutSeconds: request.deliverySeconds,
    Comment: request.comment,
  });
  try {
    return (await awsCall('ssm:SendCommand', () => client.send(command))).Command?.CommandId;
  } catch (error) {
    if (isAwsError(error, 'InvalidInstanceId')) return undefined;
    if (isAwsError(error, ...UNUSABLE_DOCUMENT)) throw unusable(error, request);
    throw error;
  }
};

const managed = async (client: SSMClient, tags: Readonly<Record<string, string>>): Promise<ManagedNode[]> => {
  const Filters = [
    { Key: 'ResourceType', Values: ['ManagedInstance'] },
    ...Object.entries(tags).map(([key, value]) => ({ Key: `tag:${key}`, Values: [value] })),
  ];
  return await awsCall('ssm:DescribeInstanceInformation', async () => {
    const found: ManagedNode[] = [];
    for await (const page of paginateDescribeInstanceInformation({ client }, { Filters })) {
      for (const node of page.InstanceInformationList ?? []) {
        const registeredAt = node.RegistrationDate ?? new Date(0);
        found.push({ instanceId: node.InstanceId ?? '', pingStatus: node.PingStatus ?? '', registeredAt });
      }
    }
    return found;
  });
};

/**
 * SendCommand has no client token, so a retry of the SDK may send a step twice; the steps' prologue on the node sees to
 * it that the second run does nothing.
 */
export const createRunCommands = (client = new SSMClient({ retryMode: 'adaptive', maxAttempts: 10 })): RunCommands => ({
  agent: async (instanceId) => {
    const command = new DescribeInstanceInformationCommand({ Filters: [{ Key: 'InstanceIds', Values: [instanceId] }] });
    const answer = await absentOn(['InvalidInstanceId'], 'ssm:DescribeInstanceInformation', () => client.send(command));
    const [found] = answer?.InstanceInformationList ?? [];
    return found === undefined ? undefined : { pingStatus: found.PingStatus ?? '', version: found.AgentVersion ?? '' };
  },
  managed: (tags) => managed(client, tags),
  send: (request) => send(client, request),
  invocation: async (commandId, instanceId) => {
    const command = new GetCommandInvocationCommand({ CommandId: commandId, InstanceId: instanceId });
    const found = await absentOn(UNKNOWN_INVOCATION, 'ssm:GetCommandInvocation', () => client.send(command));
    return found === undefined
      ? undefined
      : {
          status: found.Status ?? '',
          statusDetails: found.StatusDetails ?? '',
          exitCode: found.ResponseCode ?? -1,
          stdout: found.StandardOutputContent ?? '',
          stderr: found.StandardErrorContent ?? '',
        };
  },
  cancel: async (commandId) => {
    // Without instances: a command of ours has one, which may be the cluster's server and not the worker's own.
    const command = new CancelCommandCommand({ CommandId: commandId });
    return (await absentOn(UNKNOWN_INVOCATION, 'ssm:CancelCommand', () => client.send(command))) !== undefined;
  },
});
