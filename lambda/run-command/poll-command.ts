import { type OperationInput, type OperationOutput, STEPS, type Step } from '#contract';
import type { Registry } from '../registry/port.ts';
import type { Clock } from '../shared/clock.ts';
import { StepTimedOutError, StepUndeliverableError } from '../shared/errors.ts';
import { judgeInvocation } from './judge-invocation.ts';
import type { RunCommands } from './port.ts';
import { DELIVERY_SECONDS } from './start-command.ts';

export interface PollPorts {
  readonly commands: Pick<RunCommands, 'invocation'>;
  readonly registry: Pick<Registry, 'find' | 'closeCommand'>;
  readonly clock: Clock;
}

type PollInput = OperationInput<'run-command', 'poll'>;

/** For about a second after SendCommand there is no invocation yet. */
const APPEARANCE_SECONDS = 10;
/** Beyond what Systems Manager itself allows for delivery and run, since it is the one that should give up first. */
const MARGIN_SECONDS = 30;
const PENDING: OperationOutput<'run-command', 'poll'> = { done: false, result: {} };

const limitSeconds = (step: string): number => {
  const steps: Readonly<Record<string, Step>> = STEPS;
  return DELIVERY_SECONDS + (steps[step]?.timeoutSeconds ?? 0) + MARGIN_SECONDS;
};

/** The row may belong to a later life or have been fenced meanwhile; then there is nothing to close. */
const close = async ({ registry }: PollPorts, { name, commandId }: PollInput): Promise<void> => {
  const row = await registry.find(name);
  if (row?.openCommand?.commandId !== commandId) return;
  await registry.closeCommand({ name, generation: row.generation }, commandId);
};

const overdue = ({ name, step }: PollInput, seconds: number): StepTimedOutError =>
  new StepTimedOutError({
    what: `step ${step} on ${name} has not ended`,
    got: `nothing from Systems Manager after ${seconds} s`,
    allowed: `an end within ${limitSeconds(step)} s`,
    remedy: 'look whether the instance still runs: it may have been interrupted',
  });

const vanished = ({ name, step, commandId }: PollInput, seconds: number): StepUndeliverableError =>
  new StepUndeliverableError({
    what: `Systems Manager knows nothing of step ${step} on ${name}`,
    got: `no invocation of command ${commandId} after ${seconds} s`,
    allowed: `an invocation within ${APPEARANCE_SECONDS} s`,
    remedy: 'look whether the instance still runs; provision again',
  });

/**
 * One look at a command.
 * @throws StepFailedError, StepTimedOutError, StepUndeliverableError, StepCancelledError, BootFailedError,
 * ConfigurationError, PermissionError: what the command's final status stands for, with the script's last words
 */
export const pollCommand = async (
  ports: PollPorts,
  input: PollInput,
): Promise<OperationOutput<'run-command', 'poll'>> => {
  const invocation = await ports.commands.invocation(input.commandId, input.instanceId);
  const seconds = Math.round((ports.clock.now().getTime() - input.since) / 1000);
  if (invocation === undefined) {
    if (seconds < APPEARANCE_SECONDS) return PENDING;
    throw vanished(input, seconds);
  }
  const judgement = judgeInvocation(input, invocation);
  if (judgement.kind === 'open') {
    if (seconds <= limitSeconds(input.step)) return PENDING;
    throw overdue(input, seconds);
  }
  await close(ports, input);
  if (judgement.kind === 'failure') throw judgement.error;
  return { done: true, result: judgement.result };
};
