import { Duration } from 'aws-cdk-lib';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import {
  type IChainable,
  JitterType,
  type Parallel,
  type State,
  TaskInput,
  Timeout,
} from 'aws-cdk-lib/aws-stepfunctions';
import { LambdaInvoke } from 'aws-cdk-lib/aws-stepfunctions-tasks';
import type { Construct } from 'constructs';
import type { Capability, OperationInput, OperationName } from '#contract';
import type { Config } from '../config.ts';
import { ENTRY_POINTS } from '../entry-points.ts';

/** What every stage builds with. */
export interface Kit {
  /** States are named by their id below this scope: one scope a machine. */
  readonly scope: Construct;
  readonly functions: Readonly<Record<Capability, IFunction>>;
  /** Which states there are, and with what parameters steps run, is settled when the machine is made. */
  readonly config: Config;
  /** Of the fleet's CA, which the homelab's lighthouse must trust. */
  readonly caFingerprint: string;
}

/** Errors that go away by themselves: ours of kind *retry*, and those of the Lambda service. */
export const RETRIED_ERRORS = [
  'ThrottledError',
  'NotYetConsistentError',
  'ServiceUnavailableError',
  'Lambda.TooManyRequestsException',
  'Lambda.ServiceException',
  'Lambda.AWSLambdaException',
  'Lambda.SdkClientException',
];

/** Some 55 s in the mean: a deleted secret's name stays blocked for up to a minute. */
export const RETRY = { intervalSeconds: 2, maxAttempts: 8, backoffRate: 2, maxDelaySeconds: 20 };

/** Longer than the function's own time-out, so that no function runs on behind a state that has given up. */
const GRACE_SECONDS = 5;

/** Each field of an operation's input as a JSONata expression, or as a literal. */
type Expressions<T> = { readonly [K in keyof T]-?: unknown };

export interface OperationProps<C extends Capability, O extends OperationName<C>> {
  readonly capability: C;
  readonly operation: O;
  /** Every expression must yield a value: an undefined leaf ends the execution without a catch. */
  readonly input: Expressions<OperationInput<C, O>>;
  /** Variables to set; the operation's output is `$states.result.Payload`. */
  readonly assign?: Record<string, unknown>;
}

/** A state that runs one operation of a Lambda; its output is the operation's. */
export const operation = <C extends Capability, O extends OperationName<C>>(
  { scope, functions }: Kit,
  id: string,
  { capability, operation: name, input, assign }: OperationProps<C, O>,
): LambdaInvoke => {
  const payload = TaskInput.fromObject(withoutEmptyText({ operation: name, ...input }));
  return invoke(scope, id, functions[capability], capability, payload, assign);
};

/** The schema of the language's validator knows no empty string; an expression that yields one is the same. */
const withoutEmptyText = (fields: Readonly<Record<string, unknown>>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(fields).map(([key, value]) => [key, emptyAsExpression(value)]));

const emptyAsExpression = (value: unknown): unknown => {
  if (value === '') return "{% '' %}";
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? withoutEmptyText({ ...value }) : value;
};

/**
 * The same for input that comes from outside: one constructor, in which an absent field is dropped instead of ending
 * the execution, so that the function can say what is missing.
 * @param input - JSONata expressions by field, without their braces
 */
export const operationOnRequest = <C extends Capability, O extends OperationName<C>>(
  { scope, functions }: Kit,
  id: string,
  {
    capability,
    operation: name,
    input,
    assign,
  }: Omit<OperationProps<C, O>, 'input'> & {
    readonly input: { readonly [K in keyof OperationInput<C, O>]-?: string };
  },
): LambdaInvoke => {
  const fields = Object.entries<string>(input).map(([field, expression]) => `'${field}': ${expression}`);
  const payload = `{% {'operation': '${name}', ${fields.join(', ')}} %}`;
  return invoke(scope, id, functions[capability], capability, TaskInput.fromText(payload), assign);
};

const invoke = (
  scope: Construct,
  id: string,
  lambdaFunction: IFunction,
  capability: Capability,
  payload: TaskInput,
  assign: Record<string, unknown> | undefined,
): LambdaInvoke => {
  const task = LambdaInvoke.jsonata(scope, id, {
    lambdaFunction,
    payload,
    outputs: '{% $states.result.Payload %}',
    taskTimeout: Timeout.duration(Duration.seconds(ENTRY_POINTS[capability].timeoutSeconds + GRACE_SECONDS)),
    retryOnServiceExceptions: false,
    ...(assign === undefined ? {} : { assign: withoutEmptyText(assign) }),
  });
  task.addRetry({
    errors: RETRIED_ERRORS,
    interval: Duration.seconds(RETRY.intervalSeconds),
    maxAttempts: RETRY.maxAttempts,
    backoffRate: RETRY.backoffRate,
    maxDelay: Duration.seconds(RETRY.maxDelaySeconds),
    jitterStrategy: JitterType.FULL,
  });
  return task;
};

/** ARN of the running execution. */
export const EXECUTION = '{% $states.context.Execution.Id %}';

/**
 * What a caught error says, in words: a function's error arrives as JSON with the message in it, a time-out without any
 * cause.
 */
export const CAUSE =
  "($cause := $exists($states.errorOutput.Cause) ? $states.errorOutput.Cause : ''; " +
  '$contains($cause, /^\\{.*"errorMessage".*\\}$/) ? $parse($cause).errorMessage : $cause)';

/** `States.ALL` does not catch `States.DataLimitExceeded`, which has to be named. */
export const catchEverything = (
  state: LambdaInvoke | Parallel,
  handler: IChainable,
  assign: Record<string, unknown>,
): void => {
  state.addCatch(handler, { errors: ['States.DataLimitExceeded'], assign });
  state.addCatch(handler, { errors: ['States.ALL'], assign });
};

/** An error that must not stop what follows is kept in the variable `skipped`, and shown in the output at the end. */
export const skipOnError = (task: LambdaInvoke, next: IChainable): void => {
  catchEverything(task, next, {
    skipped: `{% $append($skipped, [{'step': '${task.id}', 'error': $states.errorOutput.Error, 'cause': ${CAUSE}}]) %}`,
  });
};

/** Goes on to the same state whether or not the task succeeds. */
export const carryOn = (task: LambdaInvoke, next: State): void => {
  skipOnError(task, next);
  task.next(next);
};
