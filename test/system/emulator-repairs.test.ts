import {
  CreateStateMachineCommand,
  DescribeExecutionCommand,
  GetExecutionHistoryCommand,
  SFNClient,
  StartExecutionCommand,
  StopExecutionCommand,
} from '@aws-sdk/client-sfn';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type Emulator, obstacle, startEmulator } from './support/emulator.ts';

if (obstacle !== undefined) console.warn(`SKIPPED: the repairs of the emulator. ${obstacle}`);

/** A loaded machine takes longer; who is done earlier waits no longer. */
const PATIENCE = { timeout: 30_000 };

/** How long a state waits that something else is to overtake, even on a machine that stops for a moment. */
const LONG = 6;
/** Until that state would have been over. */
const outlast = () => new Promise((resolve) => setTimeout(resolve, (LONG + 0.5) * 1000));

const wait = (seconds: number, next: object) => ({ Type: 'Wait', Seconds: seconds, ...next });

/** One branch of two waits inside a Parallel, whose errors are caught. */
const nested = (first: number, second: number, more: object = {}) => ({
  QueryLanguage: 'JSONata',
  StartAt: 'Both',
  States: {
    Both: {
      Type: 'Parallel',
      Branches: [
        { StartAt: 'First', States: { First: wait(first, { Next: 'Second' }), Second: wait(second, { End: true }) } },
      ],
      Catch: [{ ErrorEquals: ['States.ALL'], Next: 'Caught' }],
      End: true,
    },
    Caught: { Type: 'Pass', End: true },
  },
  ...more,
});

describe.skipIf(obstacle !== undefined)('the emulator, mended', () => {
  let emulator: Emulator | undefined;
  let sfn: SFNClient;

  beforeAll(async () => {
    emulator = await startEmulator();
    const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
    sfn = new SFNClient({ endpoint: emulator.url, region: 'us-west-2', credentials });
  });
  afterAll(async () => {
    sfn?.destroy();
    await emulator?.stop();
  });

  let counter = 0;
  const start = async (definition: object): Promise<string> => {
    counter += 1;
    const { stateMachineArn } = await sfn.send(
      new CreateStateMachineCommand({
        name: `machine-${counter}`,
        definition: JSON.stringify(definition),
        roleArn: 'arn:aws:iam::000000000000:role/machine',
      }),
    );
    return (await sfn.send(new StartExecutionCommand({ stateMachineArn }))).executionArn ?? '';
  };
  const status = async (executionArn: string) =>
    (await sfn.send(new DescribeExecutionCommand({ executionArn }))).status;
  const history = async (executionArn: string) =>
    (await sfn.send(new GetExecutionHistoryCommand({ executionArn }))).events ?? [];
  const entered = async (executionArn: string) =>
    (await history(executionArn)).flatMap((event) => event.stateEnteredEventDetails?.name ?? []);

  it('shows the states inside Parallel in the history', async () => {
    const execution = await start(nested(0, 0));
    await vi.waitFor(async () => expect(await status(execution)).toBe('SUCCEEDED'), PATIENCE);

    expect(await entered(execution)).toEqual(['Both', 'First', 'Second']);
    const types = (await history(execution)).map(({ type }) => type);
    expect(types.filter((type) => type === 'WaitStateExited')).toHaveLength(2);
  });

  it('enters no further state once an execution is stopped, and leaves it ABORTED', async () => {
    const execution = await start(nested(LONG, 0));
    await vi.waitFor(async () => expect(await entered(execution)).toContain('First'), PATIENCE);

    await sfn.send(new StopExecutionCommand({ executionArn: execution }));
    await outlast();

    expect(await status(execution)).toBe('ABORTED');
    expect(await entered(execution)).toEqual(['Both', 'First']);
    expect((await history(execution)).at(-1)?.type).toBe('ExecutionAborted');
  });

  it('ends an execution that takes longer than its machine allows as TIMED_OUT', async () => {
    const execution = await start(nested(LONG, 0, { TimeoutSeconds: 1 }));

    await vi.waitFor(async () => expect(await status(execution)).toBe('TIMED_OUT'), PATIENCE);
    await outlast();

    expect(await status(execution)).toBe('TIMED_OUT');
    expect((await history(execution)).at(-1)).toMatchObject({
      type: 'ExecutionTimedOut',
      executionTimedOutEventDetails: { error: 'States.Timeout' },
    });
  });
});
