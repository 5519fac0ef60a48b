import * as z from 'zod';
import { AwsRefusal } from '../protocol/refusal.ts';
import type { Command } from './command.ts';
import type { AcceptedCommand, ManagedInstance, SsmModel } from './model.ts';
import { slice } from './pages.ts';

/** Carries commands to the nodes of this machine. */
export interface Agent {
  deliver(accepted: AcceptedCommand): void;
  cancel(command: Command): void;
}

const Filter = z.object({ Key: z.string(), Values: z.array(z.string()) });
const LowerFilter = z.object({ key: z.string(), value: z.string() });
const paging = { MaxResults: z.number().int().optional(), NextToken: z.string().optional() };

const REQUESTS = {
  SendCommand: z.object({
    DocumentName: z.string(),
    DocumentVersion: z.string().optional(),
    InstanceIds: z.array(z.string()).default([]),
    Parameters: z.record(z.string(), z.array(z.string())).default({}),
    TimeoutSeconds: z.number().int().default(3_600),
  }),
  GetCommandInvocation: z.object({ CommandId: z.string(), InstanceId: z.string(), PluginName: z.string().optional() }),
  ListCommands: z.object({
    CommandId: z.string().optional(),
    InstanceId: z.string().optional(),
    Filters: z.array(LowerFilter).default([]),
    ...paging,
  }),
  ListCommandInvocations: z.object({
    CommandId: z.string().optional(),
    InstanceId: z.string().optional(),
    Details: z.boolean().default(false),
    Filters: z.array(LowerFilter).default([]),
    ...paging,
  }),
  CancelCommand: z.object({ CommandId: z.string(), InstanceIds: z.array(z.string()).default([]) }),
  DescribeInstanceInformation: z.object({
    Filters: z.array(Filter).default([]),
    InstanceInformationFilterList: z.array(z.object({ key: z.string(), valueSet: z.array(z.string()) })).default([]),
    ...paging,
  }),
  StartSession: z.object({ Target: z.string() }),
} as const;

export type SsmAction = keyof typeof REQUESTS;
type SsmRequest<A extends SsmAction> = z.output<(typeof REQUESTS)[A]>;

const resourceType = ({ hybrid }: ManagedInstance): string =>
  hybrid === undefined ? 'EC2Instance' : 'ManagedInstance';

const seconds = (milliseconds: number): number => milliseconds / 1_000;
const isoOrEmpty = (milliseconds: number | undefined): string =>
  milliseconds === undefined ? '' : new Date(milliseconds).toISOString();

const invocationView = (command: Command) => ({
  CommandId: command.commandId,
  InstanceId: command.instanceId,
  DocumentName: command.documentName,
  DocumentVersion: '$DEFAULT',
  PluginName: command.step,
  ResponseCode: command.exitCode,
  ExecutionStartDateTime: isoOrEmpty(command.startedAt),
  ExecutionEndDateTime: isoOrEmpty(command.endedAt),
  Status: command.status,
  StatusDetails: command.statusDetails,
  StandardOutputContent: command.stdout,
  StandardErrorContent: command.stderr,
});

const commandView = (command: Command) => ({
  CommandId: command.commandId,
  DocumentName: command.documentName,
  InstanceIds: [command.instanceId],
  Parameters: command.parameters,
  RequestedDateTime: seconds(command.requestedAt),
  Status: command.status,
  StatusDetails: command.statusDetails,
  TargetCount: 1,
});

const listedInvocation = (command: Command, details: boolean) => ({
  CommandId: command.commandId,
  InstanceId: command.instanceId,
  DocumentName: command.documentName,
  RequestedDateTime: seconds(command.requestedAt),
  Status: command.status,
  StatusDetails: command.statusDetails,
  CommandPlugins: details
    ? [
        {
          Name: command.step,
          Status: command.status,
          StatusDetails: command.statusDetails,
          ResponseCode: command.exitCode,
          Output: command.stdout,
        },
      ]
    : [],
});

const instanceView = (instance: ManagedInstance) => ({
  InstanceId: instance.instanceId,
  PingStatus: instance.pingStatus,
  LastPingDateTime: seconds(instance.lastPingAt),
  RegistrationDate: seconds(instance.registeredAt),
  AgentVersion: '3.3.3572.0',
  IsLatestVersion: true,
  PlatformType: 'Linux',
  ResourceType: resourceType(instance),
  IPAddress: instance.ipAddress,
  ...(instance.hybrid !== undefined && {
    ActivationId: instance.hybrid.activationId,
    IamRole: instance.hybrid.iamRole,
    Name: instance.hybrid.name,
  }),
});

/** What a filter of DescribeInstanceInformation looks at. */
const FILTERED: Readonly<Record<string, (instance: ManagedInstance) => string>> = {
  InstanceIds: ({ instanceId }) => instanceId,
  PingStatus: ({ pingStatus }) => pingStatus,
  ResourceType: resourceType,
  ActivationIds: ({ hybrid }) => hybrid?.activationId ?? '',
  IamRole: ({ hybrid }) => hybrid?.iamRole ?? '',
};

const TAG_FILTER = 'tag:';

const filtered = (key: string, instance: ManagedInstance): string | undefined =>
  key.startsWith(TAG_FILTER) ? instance.tags[key.slice(TAG_FILTER.length)] : FILTERED[key]?.(instance);

const describeInstances = (model: SsmModel, input: SsmRequest<'DescribeInstanceInformation'>) => {
  const filters = [
    ...input.Filters.map(({ Key, Values }) => ({ key: Key, values: Values })),
    ...input.InstanceInformationFilterList.map(({ key, valueSet }) => ({ key, values: valueSet })),
  ];
  const unknown = filters.find(({ key }) => !key.startsWith(TAG_FILTER) && !Object.hasOwn(FILTERED, key));
  if (unknown !== undefined) throw new AwsRefusal('InvalidFilterKey', `The filter key ${unknown.key} is not valid`);
  const chosen = model
    .instances()
    .filter((instance) => filters.every(({ key, values }) => values.includes(filtered(key, instance) ?? '')));
  const { items, nextToken } = slice(chosen, input.MaxResults, input.NextToken);
  return { InstanceInformationList: items.map(instanceView), NextToken: nextToken };
};

const chosenCommands = (model: SsmModel, input: { CommandId?: string | undefined; InstanceId?: string | undefined }) =>
  model
    .commands()
    .filter((command) => input.CommandId === undefined || command.commandId === input.CommandId)
    .filter((command) => input.InstanceId === undefined || command.instanceId === input.InstanceId)
    .sort((a, b) => b.requestedAt - a.requestedAt);

const cancelCommand = (model: SsmModel, agent: Agent, input: SsmRequest<'CancelCommand'>) => {
  if (model.beginCancel(input.CommandId)) agent.cancel(model.command(input.CommandId));
  return {};
};

const startSession = (input: SsmRequest<'StartSession'>): never => {
  throw new AwsRefusal(
    'TargetNotConnected',
    `${input.Target} is not connected: the embedded cloud has no Session Manager`,
  );
};

/** The Systems Manager actions the edge answers: Run Command, and instance registration. */
export class SsmApi {
  readonly #model: SsmModel;
  readonly #agent: Agent;

  constructor(model: SsmModel, agent: Agent) {
    this.#model = model;
    this.#agent = agent;
  }

  answers(action: string): action is SsmAction {
    return Object.hasOwn(REQUESTS, action);
  }

  /** @throws AwsRefusal */
  handle(action: SsmAction, input: unknown): unknown {
    const model = this.#model;
    switch (action) {
      case 'SendCommand':
        return this.#send(this.#parse('SendCommand', input));
      case 'GetCommandInvocation': {
        const { CommandId, InstanceId } = this.#parse('GetCommandInvocation', input);
        return invocationView(model.invocation(CommandId, InstanceId));
      }
      case 'ListCommands': {
        const request = this.#parse('ListCommands', input);
        const { items, nextToken } = slice(chosenCommands(model, request), request.MaxResults, request.NextToken);
        return { Commands: items.map(commandView), NextToken: nextToken };
      }
      case 'ListCommandInvocations': {
        const request = this.#parse('ListCommandInvocations', input);
        const { items, nextToken } = slice(chosenCommands(model, request), request.MaxResults, request.NextToken);
        return {
          CommandInvocations: items.map((command) => listedInvocation(command, request.Details)),
          NextToken: nextToken,
        };
      }
      case 'CancelCommand':
        return cancelCommand(model, this.#agent, this.#parse('CancelCommand', input));
      case 'DescribeInstanceInformation':
        return describeInstances(model, this.#parse('DescribeInstanceInformation', input));
      case 'StartSession':
        return startSession(this.#parse('StartSession', input));
    }
  }

  #send(request: SsmRequest<'SendCommand'>): unknown {
    const accepted = this.#model.send({
      documentName: request.DocumentName,
      instanceIds: request.InstanceIds,
      parameters: request.Parameters,
      timeoutSeconds: request.TimeoutSeconds,
    });
    this.#agent.deliver(accepted);
    return { Command: commandView(accepted.command) };
  }

  #parse<A extends SsmAction>(action: A, input: unknown): SsmRequest<A> {
    const parsed = REQUESTS[action].safeParse(input);
    if (parsed.success) return parsed.data as SsmRequest<A>;
    throw new AwsRefusal('ValidationException', z.prettifyError(parsed.error));
  }
}
