import type { OperationInput, OperationOutput, StepResult } from '#contract';
import type { Registry } from '../registry/port.ts';
import type { Clock } from '../shared/clock.ts';
import { StepTimedOutError, StepUndeliverableError } from '../shared/errors.ts';
import { judgeInvocation } from './judge-invocation.ts';
import type { NoteEnd } from './note-cold-start.ts';
import type { Place } from './places.ts';
import type { RunCommands } from './port.ts';
import { readVerdict } from './read-verdict.ts';
import { DELIVERY_SECONDS } from './start-command.ts';

export interface PollPorts {
  readonly commands: Pick<RunCommands, 'invocation' | 'agent'>;
  readonly registry: Pick<Registry, 'find'>;
  readonly place: Place;
  readonly clock: Clock;
  readonly noteEnd: NoteEnd;
}

type PollInput = OperationInput<'run-command', 'poll'>;

/** For about a second after SendCommand there is no invocation yet. */
const APPEARANCE_SECONDS = 10;
/** Beyond what Systems Manager itself allows for delivery and run, since it is the one that should give up first. */
const MARGIN_SECONDS = 30;
/** A step that ends before needs no question after its node. */
const FIRST_LOOK_SECONDS = 15;
/** The machines look every 2 to 6 s; of those only the ones that begin such a span ask for the agent as well. */
const LOOK_EVERY_SECONDS = 30;
const LOOK_SPAN_SECONDS = 7;
/** Between two looks at an agent that is away: one that has just been restarted is back by then. */
const SECOND_LOOK_MILLISECONDS = 5_000;
const PENDING: OperationOutput<'run-command', 'poll'> = { done: false, result: {} };

const limitSeconds = ({ steps }: Place, step: string): number =>
  DELIVERY_SECONDS + (steps[step]?.timeoutSeconds ?? 0) + MARGIN_SECONDS;

/** The row may belong to a later life or have been fenced meanwhile; then there is nothing to close. */
const close = async (
  { registry, place, noteEnd }: PollPorts,
  { name, commandId, step }: PollInput,
  verdict: StepResult | undefined,
): Promise<void> => {
  const row = await registry.find(name);
  if (row === undefined || place.openIn(row)?.commandId !== commandId) return;
  if (verdict !== undefined) await noteEnd(row, step, verdict);
  await place.close({ name, generation: row.generation }, commandId);
};

const overdue = (place: Place, { name, step }: PollInput, seconds: number): StepTimedOutError =>
  new StepTimedOutError({
    what: `step ${step} ${place.where(name)} has not ended`,
    got: `nothing from Systems Manager after ${seconds} s`,
    allowed: `an end within ${limitSeconds(place, step)} s`,
    remedy: 'look whether the node still runs: it may have been interrupted',
  });

const vanished = (place: Place, { name, step, commandId }: PollInput, seconds: number): StepUndeliverableError =>
  new StepUndeliverableError({
    what: `Systems Manager knows nothing of step ${step} ${place.where(name)}`,
    got: `no invocation of command ${commandId} after ${seconds} s`,
    allowed: `an invocation within ${APPEARANCE_SECONDS} s`,
    remedy: 'look whether the node still runs; provision again',
  });

const isTimeToLook = (seconds: number): boolean =>
  seconds >= FIRST_LOOK_SECONDS && (seconds - FIRST_LOOK_SECONDS) % LOOK_EVERY_SECONDS < LOOK_SPAN_SECONDS;

/**
 * A node that is gone, such as a Spot instance that was taken back, never ends its step: Systems Manager would say so
 * only at the step's own limit.
 * @throws StepUndeliverableError, HomelabOfflineError when its agent is away at both of two looks
 */
const assertNodeThere = async ({ commands, clock, place }: PollPorts, input: PollInput): Promise<void> => {
  if ((await commands.agent(input.instanceId))?.pingStatus === 'Online') return;
  await clock.sleep(SECOND_LOOK_MILLISECONDS);
  const agent = await commands.agent(input.instanceId);
  if (agent?.pingStatus === 'Online') return;
  throw place.unreachable({
    what: `the node of step ${input.step} ${place.where(input.name)} is gone`,
    got: `agent of ${input.instanceId}: ${agent?.pingStatus ?? 'not registered'}`,
    allowed: 'an agent that is online while its step runs',
  });
};

/**
 * One look at a command.
 * @throws StepFailedError, StepTimedOutError, StepUndeliverableError, StepCancelledError, BootFailedError,
 * PreflightFailedError, PeeringFailedError, HomelabOfflineError, ConfigurationError, PermissionError: what the
 * command's final status stands for, with the script's last words
 */
export const pollCommand = async (
  ports: PollPorts,
  input: PollInput,
): Promise<OperationOutput<'run-command', 'poll'>> => {
  const { commands, clock, place } = ports;
  const invocation = await commands.invocation(input.commandId, input.instanceId);
  const seconds = Math.round((clock.now().getTime() - input.since) / 1000);
  if (invocation === undefined) {
    if (seconds < APPEARANCE_SECONDS) return PENDING;
    throw vanished(place, input, seconds);
  }
  const judgement = judgeInvocation({ ...input, place }, invocation);
  if (judgement.kind === 'open') {
    if (seconds > limitSeconds(place, input.step)) throw overdue(place, input, seconds);
    if (isTimeToLook(seconds)) await assertNodeThere(ports, input);
    return PENDING;
  }
  await close(ports, input, readVerdict(invocation, input.step));
  if (judgement.kind === 'failure') throw judgement.error;
  return { done: true, result: judgement.result };
};
