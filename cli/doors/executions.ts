import {
  DescribeExecutionCommand,
  ExecutionDoesNotExist,
  GetExecutionHistoryCommand,
  type HistoryEvent,
  ListExecutionsCommand,
  type SFNClient,
  StartExecutionCommand,
} from '@aws-sdk/client-sfn';
import type { ReadHistory } from '../progress/follow-execution.ts';

/** Pages are read newest first and only as far back as the last known event, so a look costs one call as a rule. */
export const historyReader =
  (sfn: SFNClient): ReadHistory =>
  async (executionArn, after) => {
    const fresh: HistoryEvent[] = [];
    let nextToken: string | undefined;
    do {
      const page = await sfn.send(
        new GetExecutionHistoryCommand({
          executionArn,
          reverseOrder: true,
          includeExecutionData: true,
          maxResults: after === 0 ? 1000 : 100,
          ...(nextToken === undefined ? {} : { nextToken }),
        }),
      );
      const events = page.events ?? [];
      fresh.push(...events.filter((event) => (event.id ?? 0) > after));
      nextToken = (events.at(-1)?.id ?? 0) > after + 1 ? page.nextToken : undefined;
    } while (nextToken !== undefined);
    return fresh.reverse();
  };

/** `arn:…:stateMachine:<machine>` and an execution's name → the execution's ARN. */
export const executionArn = (stateMachineArn: string, name: string): string =>
  `${stateMachineArn.replace(':stateMachine:', ':execution:')}:${name}`;

/** `arn:…:execution:<machine>:<name>` → `<name>`. */
export const executionName = (arn: string): string => arn.split(':').at(-1) ?? arn;

export const startExecution = async (
  sfn: SFNClient,
  stateMachineArn: string,
  name: string,
  input: unknown,
): Promise<string> => {
  const started = await sfn.send(new StartExecutionCommand({ stateMachineArn, name, input: JSON.stringify(input) }));
  return started.executionArn ?? executionArn(stateMachineArn, name);
};

export const executionExists = async (sfn: SFNClient, arn: string): Promise<boolean> => {
  try {
    await sfn.send(new DescribeExecutionCommand({ executionArn: arn }));
    return true;
  } catch (error) {
    if (error instanceof ExecutionDoesNotExist) return false;
    throw error;
  }
};

/** The newest execution whose name begins so; Step Functions lists newest first. */
export const findExecution = async (
  sfn: SFNClient,
  stateMachineArn: string,
  matches: (name: string) => boolean,
): Promise<string | undefined> => {
  let nextToken: string | undefined;
  do {
    const page = await sfn.send(
      new ListExecutionsCommand({ stateMachineArn, ...(nextToken === undefined ? {} : { nextToken }) }),
    );
    const found = page.executions?.find((execution) => matches(execution.name ?? ''));
    if (found?.executionArn !== undefined) return found.executionArn;
    nextToken = page.nextToken;
  } while (nextToken !== undefined);
  return undefined;
};
