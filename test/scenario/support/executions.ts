import {
  DescribeExecutionCommand,
  type ExecutionStatus,
  GetExecutionHistoryCommand,
  type HistoryEvent,
  ListExecutionsCommand,
  StartExecutionCommand,
  StopExecutionCommand,
} from '@aws-sdk/client-sfn';
import { OUTPUT } from '#contract';
import { clients, output } from './fleet.ts';

export interface Finished {
  readonly arn: string;
  readonly status: ExecutionStatus;
  readonly error: string;
  readonly cause: string;
  readonly output: Record<string, unknown>;
}

export const sleep = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, milliseconds));

/** For a machine that is busy; it costs those nothing that are in time. The longest wait of all takes two minutes. */
const LIMIT_SECONDS = 300;

/** Asks until the answer is there. @throws after minutes */
export const eventually = async <T>(
  what: string,
  look: () => Promise<T | undefined>,
  pauseMilliseconds = 250,
): Promise<T> => {
  const end = performance.now() + LIMIT_SECONDS * 1_000;
  while (performance.now() < end) {
    const found = await look();
    if (found !== undefined) return found;
    await sleep(pauseMilliseconds);
  }
  throw new Error(`not within ${LIMIT_SECONDS} s: ${what}`);
};

type Machine = 'provisionStateMachine' | 'teardownStateMachine' | 'renewStateMachine' | 'sweepStateMachine';

/** As a person at the console does it: an input, no name. */
export const start = async (machine: Machine, input: unknown, name?: string): Promise<string> => {
  const stateMachineArn = await output(OUTPUT[machine]);
  const request = { stateMachineArn, input: JSON.stringify(input), ...(name === undefined ? {} : { name }) };
  const { executionArn } = await clients.states.send(new StartExecutionCommand(request));
  if (executionArn === undefined) throw new Error('StartExecution gave no ARN');
  return executionArn;
};

const describeExecution = async (arn: string): Promise<Finished> => {
  const found = await clients.states.send(new DescribeExecutionCommand({ executionArn: arn }));
  return {
    arn,
    status: found.status ?? 'RUNNING',
    error: found.error ?? '',
    cause: found.cause ?? '',
    output: found.output === undefined ? {} : (JSON.parse(found.output) as Record<string, unknown>),
  };
};

export const finished = (arn: string): Promise<Finished> =>
  eventually(`end of ${arn}`, async () => {
    const execution = await describeExecution(arn);
    return execution.status === 'RUNNING' ? undefined : execution;
  });

export const provision = async (request: Record<string, unknown>): Promise<Finished> =>
  finished(await start('provisionStateMachine', request));

export const teardown = async (request: Record<string, unknown>): Promise<Finished> =>
  finished(await start('teardownStateMachine', request));

export const stop = async (executionArn: string): Promise<void> => {
  await clients.states.send(new StopExecutionCommand({ executionArn, cause: 'stopped by a scenario' }));
};

export const historyOf = async (executionArn: string): Promise<HistoryEvent[]> => {
  const events: HistoryEvent[] = [];
  let nextToken: string | undefined;
  do {
    const page: { events?: HistoryEvent[] | undefined; nextToken?: string | undefined } = await clients.states.send(
      new GetExecutionHistoryCommand({ executionArn, includeExecutionData: true, maxResults: 500, nextToken }),
    );
    events.push(...(page.events ?? []));
    nextToken = page.nextToken;
  } while (nextToken !== undefined);
  return events;
};

/** Waits until an execution has entered a state. */
export const reached = async (arn: string, state: string): Promise<void> => {
  await eventually(`${state} in ${arn}`, async () =>
    (await historyOf(arn)).some((event) => event.stateEnteredEventDetails?.name === state) ? true : undefined,
  );
};

/** ARNs of a machine's executions whose name starts so. */
export const executionsOf = async (machine: Machine, prefix: string): Promise<string[]> => {
  const { executions } = await clients.states.send(
    new ListExecutionsCommand({ stateMachineArn: await output(OUTPUT[machine]), maxResults: 1000 }),
  );
  return (executions ?? [])
    .filter(({ name }) => name?.startsWith(prefix))
    .map(({ executionArn }) => executionArn ?? '');
};
