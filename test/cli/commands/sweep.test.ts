import { type HistoryEvent, StartExecutionCommand } from '@aws-sdk/client-sfn';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { executionArn, machineArn } from '../support/builders.ts';
import { type DeployedFleet, deployedFleet } from '../support/command-line.ts';

const EXECUTION = executionArn('sweep', 'by-hand');
const finding = {
  kind: 'instance',
  id: 'i-0abc',
  worker: 'gpu-9',
  reason: 'no row',
  action: 'marked',
  error: '',
};

const history = (answer: unknown): HistoryEvent[] =>
  [
    { type: 'ExecutionStarted' },
    { type: 'TaskStateEntered', stateEnteredEventDetails: { name: 'Sweep' } },
    { type: 'TaskSucceeded', taskSucceededEventDetails: { output: JSON.stringify({ Payload: answer }) } },
    { type: 'ExecutionSucceeded', executionSucceededEventDetails: { output: '{}' } },
  ].map((event, index) => ({ ...event, id: index + 1, timestamp: new Date(index) }) as HistoryEvent);

let fleet: DeployedFleet;
beforeEach(async () => {
  fleet = await deployedFleet();
  fleet.sfn.on(StartExecutionCommand).resolves({ executionArn: EXECUTION, startDate: new Date(0) });
});
afterEach(() => fleet.close());

describe('sweep', () => {
  it('starts the sweep machine and shows what it found', async () => {
    fleet.history(EXECUTION, history({ dryRun: true, findings: [finding] }));

    const { code, out } = await fleet.run('sweep --dry-run');

    expect(code).toBe(0);
    expect(fleet.sfn.commandCalls(StartExecutionCommand)[0]?.args[0].input).toMatchObject({
      stateMachineArn: machineArn('sweep'),
      input: '{"dryRun":true}',
    });
    expect(out).toContain(
      'KIND      ID      WORKER  REASON  ACTION  ERROR\ninstance  i-0abc  gpu-9   no row  marked  -\n',
    );
  });

  it('says so when nothing is left over', async () => {
    fleet.history(EXECUTION, history({ dryRun: false, findings: [] }));

    expect((await fleet.run('sweep')).out).toContain('Nothing is left over');
  });

  it('gives the findings to machines', async () => {
    fleet.history(EXECUTION, history({ dryRun: false, findings: [finding] }));

    const { out } = await fleet.run('sweep --json');

    expect(JSON.parse(out.trim().split('\n').at(-1) ?? '')).toMatchObject({ event: 'result', findings: [finding] });
  });
});
