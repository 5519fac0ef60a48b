import { documentName, type FleetSettings, type OperationInput, type OperationOutput } from '#contract';
import type { Registry } from '../registry/port.ts';
import { NotYetConsistentError, StepUndeliverableError } from '../shared/errors.ts';
import { checkParameters } from './check-parameters.ts';
import type { RunCommands } from './port.ts';

/** Seconds a command may take to reach an agent that was online a moment ago. */
export const DELIVERY_SECONDS = 60;
const COMMENT_LIMIT = 100;

export interface StartPorts {
  readonly commands: Pick<RunCommands, 'agent' | 'send' | 'cancel'>;
  readonly registry: Pick<Registry, 'openCommand'>;
}

/** Name of an execution from its ARN: it keys the result marker on the node. */
const executionName = (arn: string): string => arn.split(':').at(-1) ?? arn;

/**
 * An instance whose agent is online but which SendCommand refuses has only just registered; one without a connected
 * agent will not come back by waiting here.
 */
const refused = async ({ commands }: StartPorts, name: string, step: string, instanceId: string): Promise<Error> => {
  const agent = await commands.agent(instanceId);
  const facts = { what: `Systems Manager does not accept ${instanceId} as a target for step ${step} on ${name}` };
  return agent?.pingStatus === 'Online'
    ? new NotYetConsistentError({ ...facts, got: 'agent online', remedy: 'none needed, the state retries' })
    : new StepUndeliverableError({
        ...facts,
        got: `agent ${agent?.pingStatus ?? 'not registered'}`,
        remedy: 'look whether the instance still runs; provision again if it does not',
      });
};

/**
 * Sends a step to a worker and notes the command in its row, so that a teardown can cancel it.
 * @throws InputError, ConfigurationError, NotYetConsistentError, StepUndeliverableError
 * @throws OwnershipLostError after a fence; the command just sent is cancelled
 */
export const startCommand = async (
  ports: StartPorts,
  { fleet }: Pick<FleetSettings, 'fleet'>,
  input: OperationInput<'run-command', 'start'>,
): Promise<OperationOutput<'run-command', 'start'>> => {
  const { name, generation, instanceId, step } = input;
  const execution = executionName(input.execution);
  const parameters = { ...input.parameters, ExecutionId: execution, Worker: name };
  checkParameters(step, parameters);
  const commandId = await ports.commands.send({
    document: documentName(fleet, step),
    instanceId,
    parameters,
    deliverySeconds: DELIVERY_SECONDS,
    comment: `${step} for ${execution}`.slice(0, COMMENT_LIMIT),
  });
  if (commandId === undefined) throw await refused(ports, name, step, instanceId);
  try {
    await ports.registry.openCommand({ name, generation }, { commandId, step });
  } catch (error) {
    await ports.commands.cancel(commandId, instanceId);
    throw error;
  }
  return { commandId };
};
