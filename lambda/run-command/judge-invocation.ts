import type { StepResult } from '#contract';
import {
  BootFailedError,
  type CarrierarrError,
  ConfigurationError,
  PeeringFailedError,
  PermissionError,
  PreflightFailedError,
  StepCancelledError,
  StepFailedError,
  StepTimedOutError,
  StepUndeliverableError,
} from '../shared/errors.ts';
import type { Place } from './places.ts';
import type { Invocation } from './port.ts';
import { describeFindings, lastWords, readVerdict } from './read-verdict.ts';

/** Steps that make a peering or judge it. */
const PEERING: readonly string[] = ['peer', 'homelab-peer', 'verify-peering', 'homelab-verify-peering'];

/** Exit codes the prologue of the steps gives a meaning; 137 is the agent's word for a script that was killed. */
const EXIT = { failed: 1, outOfMemory: 70, killed: 137 } as const;

type Ending = 'open' | 'success' | 'failed' | 'timed-out' | 'undelivered' | 'cancelled' | 'platform' | 'denied';

/** Every status of a command invocation, lower case and without blanks: the API writes them both ways. */
const ENDINGS: Readonly<Record<string, Ending>> = {
  pending: 'open',
  inprogress: 'open',
  delayed: 'open',
  cancelling: 'open',
  success: 'success',
  failed: 'failed',
  timedout: 'timed-out',
  executiontimedout: 'timed-out',
  deliverytimedout: 'undelivered',
  undeliverable: 'undelivered',
  cancelled: 'cancelled',
  terminated: 'cancelled',
  invalidplatform: 'platform',
  accessdenied: 'denied',
};

export type Judgement =
  | { readonly kind: 'open' }
  | { readonly kind: 'success'; readonly result: StepResult }
  | { readonly kind: 'failure'; readonly error: CarrierarrError };

export interface Subject {
  readonly name: string;
  readonly step: string;
  readonly place: Pick<Place, 'steps' | 'where' | 'hint'>;
}

const normalise = (status: string): string => status.replaceAll(/[\s_]/g, '').toLowerCase();

const endingOf = ({ status, statusDetails }: Invocation): Ending =>
  ENDINGS[normalise(statusDetails)] ?? ENDINGS[normalise(status)] ?? 'failed';

const logs = ({ name, place }: Subject): string => place.hint(name);
const of = ({ name, step, place }: Subject): string => `step ${step} ${place.where(name)}`;

const remedyOf = (subject: Subject): string => {
  const own = subject.place.steps[subject.step]?.remedy;
  return own === undefined ? logs(subject) : `${own}; ${logs(subject)}`;
};

const outOfMemory = (subject: Subject, words: string): CarrierarrError =>
  new StepTimedOutError({
    what: `${of(subject)} was killed, most likely for want of memory`,
    got: words,
    remedy: 'take a larger instance type',
  });

/** A step that did its work and found something wrong; its exit code alone tells that from a step that could not. */
const findingOf = (subject: Subject, words: string, verdict: StepResult): CarrierarrError | undefined => {
  const { name, step } = subject;
  const remedy = remedyOf(subject);
  if (step === 'await-boot') {
    return new BootFailedError({ what: `boot of ${name} failed`, got: words, remedy: logs(subject) });
  }
  const got = describeFindings(verdict) || words;
  if (step === 'homelab-preflight') {
    return new PreflightFailedError({ what: `the homelab is not prepared for ${name}`, got, remedy });
  }
  if (!PEERING.includes(step)) return undefined;
  return new PeeringFailedError({ what: `${of(subject)} found no peering that works`, got, remedy });
};

const failure = (subject: Subject, invocation: Invocation, verdict: StepResult | undefined): CarrierarrError => {
  const words = lastWords(invocation, verdict);
  const exitCode = verdict?.rc ?? invocation.exitCode;
  if (exitCode === EXIT.outOfMemory || exitCode === EXIT.killed) return outOfMemory(subject, words);
  if (verdict !== undefined && exitCode === EXIT.failed) {
    const finding = findingOf(subject, words, verdict);
    if (finding !== undefined) return finding;
  }
  return new StepFailedError({
    what: `${of(subject)} failed`,
    got: `exit code ${exitCode}: ${words}`,
    remedy: remedyOf(subject),
  });
};

const success = (subject: Subject, invocation: Invocation): Judgement => {
  const result = readVerdict(invocation, subject.step);
  if (result?.ok === true) return { kind: 'success', result };
  const error = new StepFailedError({
    what: `${of(subject)} ended without a verdict of its own`,
    got: lastWords(invocation, result),
    allowed: 'one JSON line with the step and ok: true at the end of its output',
    remedy: logs(subject),
  });
  return { kind: 'failure', error };
};

const timedOut = (subject: Subject, invocation: Invocation): CarrierarrError => {
  const words = lastWords(invocation, readVerdict(invocation, subject.step));
  if (invocation.exitCode === EXIT.killed) return outOfMemory(subject, words);
  return new StepTimedOutError({
    what: `${of(subject)} ran out of time or was killed`,
    got: words,
    remedy: logs(subject),
  });
};

const ended = (subject: Subject, invocation: Invocation, ending: Exclude<Ending, 'open' | 'success'>) => {
  const got = invocation.statusDetails;
  switch (ending) {
    case 'failed':
      return failure(subject, invocation, readVerdict(invocation, subject.step));
    case 'timed-out':
      return timedOut(subject, invocation);
    case 'undelivered':
      return new StepUndeliverableError({
        what: `${of(subject)} never reached its node`,
        got,
        remedy: 'look whether the node still runs and its agent is online',
      });
    case 'cancelled':
      return new StepCancelledError({
        what: `${of(subject)} was cancelled`,
        got,
        remedy: 'none if a teardown did it; else provision again',
      });
    case 'platform':
      return new ConfigurationError({
        what: `${of(subject)} cannot run`,
        got,
        allowed: 'a Linux image',
        remedy: 'launch the worker from an image of this fleet',
      });
    case 'denied':
      return new PermissionError({
        what: `Systems Manager may not run ${of(subject)}`,
        got,
        remedy: "deploy the stack again: the function's role lacks the document or the target",
      });
  }
};

/** Turns what GetCommandInvocation says into "still open", the step's verdict, or the error it stands for. */
export const judgeInvocation = (subject: Subject, invocation: Invocation): Judgement => {
  const ending = endingOf(invocation);
  if (ending === 'open') return { kind: 'open' };
  if (ending === 'success') return success(subject, invocation);
  return { kind: 'failure', error: ended(subject, invocation, ending) };
};
