import { documentName, type FleetSettings, type OperationInput, type OperationOutput } from '#contract';
import { type CarrierarrError, NotYetConsistentError } from '../shared/errors.ts';
import { checkParameters } from './check-parameters.ts';
import type { Place } from './places.ts';
import type { RunCommands } from './port.ts';

/** Seconds a command may take to reach an agent that was online a moment ago. */
export const DELIVERY_SECONDS = 60;
const COMMENT_LIMIT = 100;
/** What the pattern of the parameter ExecutionId admits. */
const EXECUTION_LIMIT = 80;

export interface StartPorts {
  readonly commands: Pick<RunCommands, 'agent' | 'send' | 'cancel'>;
  readonly place: Place;
  readonly settings: Pick<FleetSettings, 'fleet'>;
}

type StartInput = OperationInput<'run-command', 'start'>;

/** Key of the result marker on the node: the name of the execution, and which run of the step in it. */
const markerKey = ({ execution, run = '' }: StartInput): string => {
  const name = execution.split(':').at(-1) ?? execution;
  return run === '' ? name : `${name.slice(0, EXECUTION_LIMIT - run.length - 1)}-${run}`;
};

/**
 * A node whose agent is online but which SendCommand refuses has only just registered; one without a connected agent
 * will not come back by waiting here.
 */
const refused = async (
  { commands, place }: StartPorts,
  { name, step, instanceId }: StartInput,
): Promise<CarrierarrError> => {
  const agent = await commands.agent(instanceId);
  const what = `Systems Manager does not accept ${instanceId} as a target for step ${step} ${place.where(name)}`;
  return agent?.pingStatus === 'Online'
    ? new NotYetConsistentError({ what, got: 'agent online', remedy: 'none needed, the state retries' })
    : place.unreachable({ what, got: `agent ${agent?.pingStatus ?? 'not registered'}` });
};

/**
 * Sends a step to a node and notes the command in the worker's row, so that a teardown can cancel it.
 * @throws InputError, ConfigurationError, NotYetConsistentError, StepUndeliverableError, HomelabOfflineError
 * @throws OwnershipLostError after a fence by another; the command just sent is cancelled
 */
export const startCommand = async (
  ports: StartPorts,
  input: StartInput,
): Promise<OperationOutput<'run-command', 'start'>> => {
  const { commands, place, settings } = ports;
  const { name, generation, execution, instanceId, step } = input;
  const key = markerKey(input);
  const parameters = { ...input.parameters, ExecutionId: key, Worker: name };
  checkParameters(place.steps, step, parameters);
  const commandId = await commands.send({
    document: documentName(settings.fleet, step),
    instanceId,
    parameters,
    deliverySeconds: DELIVERY_SECONDS,
    comment: `${step} for ${key}`.slice(0, COMMENT_LIMIT),
  });
  if (commandId === undefined) throw await refused(ports, input);
  try {
    await place.open({ name, generation, execution }, { commandId, step, instanceId });
  } catch (error) {
    await commands.cancel(commandId);
    throw error;
  }
  return { commandId };
};
