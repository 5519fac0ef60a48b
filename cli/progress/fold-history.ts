import type { HistoryEvent } from '@aws-sdk/client-sfn';
import { type Failure, readFailure } from './failure.ts';
import { knownPhase, type PhaseName, unknownPhase } from './phases.ts';

export type PhaseStatus = 'running' | 'done' | 'failed' | 'stopped';
export type ExecutionStatus = 'RUNNING' | 'SUCCEEDED' | 'FAILED' | 'TIMED_OUT' | 'ABORTED';

export interface PhaseProgress extends PhaseName {
  readonly status: PhaseStatus;
  readonly startedAt: Date;
  readonly endedAt: Date | undefined;
  /** States entered, in order, without repeats. */
  readonly states: readonly string[];
  /** What its tasks answered, in order (a Lambda's payload). */
  readonly outputs: readonly unknown[];
  /** Errors its tasks ended in, retried ones included. */
  readonly errors: readonly Failure[];
}

/** One execution as far as its history tells. */
export interface ExecutionProgress {
  readonly status: ExecutionStatus;
  readonly startedAt: Date | undefined;
  readonly endedAt: Date | undefined;
  readonly phases: readonly PhaseProgress[];
  readonly failure: Failure | undefined;
  /** Output of the execution once it succeeded. */
  readonly output: unknown;
}

type MutablePhase = { -readonly [K in keyof PhaseProgress]: PhaseProgress[K] } & {
  states: string[];
  outputs: unknown[];
  errors: Failure[];
};

interface Fold {
  status: ExecutionStatus;
  startedAt: Date | undefined;
  endedAt: Date | undefined;
  readonly phases: MutablePhase[];
  failure: Failure | undefined;
  output: unknown;
  /** The last task of the current phase failed: a Retry makes it good again, leaving the phase makes it final. */
  broken: boolean;
}

const parse = (text: string | undefined): unknown => {
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
};

/** `lambda:invoke` wraps what the function returned; the other integrations do not. */
const payloadOf = (output: unknown): unknown =>
  typeof output === 'object' && output !== null && 'Payload' in output ? output.Payload : output;

const close = (phase: MutablePhase | undefined, status: PhaseStatus, at: Date): void => {
  if (phase === undefined || phase.status !== 'running') return;
  phase.status = status;
  phase.endedAt = at;
};

const enter = (fold: Fold, event: HistoryEvent, at: Date): void => {
  const state = event.stateEnteredEventDetails?.name ?? '';
  const current = fold.phases.at(-1);
  const phase = knownPhase(state) ?? unknownPhase(state);
  if (current?.id === phase.id && current.status === 'running') {
    if (!current.states.includes(state)) current.states.push(state);
    return;
  }
  // Only a task does something: a choice may lead past what it is named after.
  if (event.type !== 'TaskStateEntered') return;
  close(current, phase.id === 'rollback' || fold.broken ? 'failed' : 'done', at);
  const { id, title } = phase;
  fold.phases.push({
    id,
    title,
    status: 'running',
    startedAt: at,
    endedAt: undefined,
    states: [state],
    outputs: [],
    errors: [],
  });
  fold.broken = false;
};

/** Details of whichever kind of task event this is: they all carry `error` and `cause`, or `output`. */
const taskError = (event: HistoryEvent): Failure | undefined => {
  const details =
    event.taskFailedEventDetails ??
    event.taskTimedOutEventDetails ??
    event.taskSubmitFailedEventDetails ??
    event.taskStartFailedEventDetails ??
    event.lambdaFunctionFailedEventDetails ??
    event.lambdaFunctionTimedOutEventDetails;
  return details === undefined ? undefined : readFailure(details.error ?? '', details.cause ?? '');
};

const taskOutput = (event: HistoryEvent): string | undefined =>
  event.taskSucceededEventDetails?.output ?? event.lambdaFunctionSucceededEventDetails?.output;

const END: Readonly<Record<string, ExecutionStatus>> = {
  ExecutionSucceeded: 'SUCCEEDED',
  ExecutionFailed: 'FAILED',
  ExecutionTimedOut: 'TIMED_OUT',
  ExecutionAborted: 'ABORTED',
};
const LAST_PHASE: Readonly<Record<ExecutionStatus, PhaseStatus>> = {
  RUNNING: 'running',
  SUCCEEDED: 'done',
  FAILED: 'failed',
  TIMED_OUT: 'stopped',
  ABORTED: 'stopped',
};

/** The roll-back, or one of the teardown's own phases after a phase that failed. */
const isUndoing = (fold: Fold, last: MutablePhase): boolean =>
  last.id === 'rollback' || fold.phases.slice(0, -1).some((phase) => phase.status === 'failed');

const end = (fold: Fold, event: HistoryEvent, status: ExecutionStatus, at: Date): void => {
  const details =
    event.executionFailedEventDetails ?? event.executionTimedOutEventDetails ?? event.executionAbortedEventDetails;
  const last = fold.phases.at(-1);
  // A roll-back that ran to its end has done its work, though the execution fails with what led to it.
  const undone = status === 'FAILED' && last !== undefined && isUndoing(fold, last) && !fold.broken;
  close(last, undone ? 'done' : LAST_PHASE[status], at);
  fold.status = status;
  fold.endedAt = at;
  fold.output = parse(event.executionSucceededEventDetails?.output);
  if (status !== 'SUCCEEDED') fold.failure = readFailure(details?.error ?? status, details?.cause ?? '');
};

const apply = (fold: Fold, event: HistoryEvent): void => {
  // An emulator may still record what a function does that was running when its execution was stopped.
  if (fold.status !== 'RUNNING') return;
  const at = event.timestamp ?? new Date(0);
  const type = event.type ?? '';
  const status = END[type];
  const phase = fold.phases.at(-1);
  const error = taskError(event);
  const output = taskOutput(event);
  if (type === 'ExecutionStarted') fold.startedAt = at;
  else if (status !== undefined) end(fold, event, status, at);
  else if (type.endsWith('StateEntered')) enter(fold, event, at);
  else if (phase !== undefined && error !== undefined) {
    phase.errors.push(error);
    fold.broken = true;
  } else if (phase !== undefined && output !== undefined) {
    phase.outputs.push(payloadOf(parse(output)));
    fold.broken = false;
  }
};

/** An execution of which nothing is known but that it runs. */
export const NOTHING_YET: ExecutionProgress = {
  status: 'RUNNING',
  startedAt: undefined,
  endedAt: undefined,
  phases: [],
  failure: undefined,
  output: undefined,
};

/** Folds the whole history of an execution, oldest event first, into its phases. Never throws on unknown events. */
export const foldHistory = (events: readonly HistoryEvent[]): ExecutionProgress => {
  const fold: Fold = { ...NOTHING_YET, phases: [], broken: false };
  for (const event of events) apply(fold, event);
  const { broken: _, ...progress } = fold;
  return progress;
};
