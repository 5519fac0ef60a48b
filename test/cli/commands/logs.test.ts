import { DescribeExecutionCommand, ExecutionDoesNotExist, ListExecutionsCommand } from '@aws-sdk/client-sfn';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { aProblem, aWorker, executionArn } from '../support/builders.ts';
import { type DeployedFleet, deployedFleet } from '../support/command-line.ts';
import { recordedHistory } from '../support/histories.ts';

const NAME = 'gpu-worker-a1b2';
const PROVISION = executionArn('provision', `${NAME}-m1abcd`);
const TEARDOWN = executionArn('teardown', `${NAME}-m1abcd-t1`);

let fleet: DeployedFleet;
beforeEach(async () => {
  fleet = await deployedFleet();
  fleet.api.answer(`GET /workers/${NAME}`, { status: 200, body: aWorker({ name: NAME }) });
  fleet.sfn.on(DescribeExecutionCommand).rejects(new ExecutionDoesNotExist({ message: 'no', $metadata: {} }));
  fleet.history(PROVISION, recordedHistory('rolled-back'));
});
afterEach(() => fleet.close());

describe('logs', () => {
  it('shows phases, output of scripts and errors with their remedy', async () => {
    const { code, out } = await fleet.run(`logs ${NAME}`);

    expect(code).toBe(0);
    expect(out).toContain(`${NAME}-m1abcd  FAILED in `);
    expect(out).toMatch(
      /T\d\d:\d\d:\d\d\.\d{3}Z {2}done {5}Wait for boot \(\d+\.\ds\)\n {6}\$ await-boot \(exit 0\)\n {6}boot\.done after/,
    );
    expect(out).toContain('      ThrottledError: ec2:CreateFleet was throttled');
    expect(out).toContain('      remedy: read the whole output');
  });

  it('shows what was made and found on the way', async () => {
    const { out } = await fleet.run(`logs ${NAME}`);

    expect(out).toContain(
      '      role: gpu-worker, address: 10.100.2.1, instanceTypes: g4dn.xlarge, g5.xlarge, market: spot',
    );
    expect(out).toContain('      instanceId: i-0123456789abcdef0');
    expect(out).toContain('checked: instances, volumes, network interfaces, secret, address');
  });

  it('shows the teardowns of the same life as well', async () => {
    fleet.sfn.on(DescribeExecutionCommand, { executionArn: TEARDOWN }).resolves({ executionArn: TEARDOWN });
    fleet.history(TEARDOWN, recordedHistory('stopped'));

    const { out } = await fleet.run(`logs ${NAME} --json`);

    const { executions } = JSON.parse(out) as { executions: { execution: string; status: string }[] };
    expect(executions.map(({ execution, status }) => [execution, status])).toEqual([
      [PROVISION, 'FAILED'],
      [TEARDOWN, 'ABORTED'],
    ]);
  });

  it('finds the executions of a worker whose row is gone', async () => {
    fleet.api.answer(`GET /workers/${NAME}`, { status: 404, body: aProblem({ status: 404 }) });
    fleet.sfn.on(ListExecutionsCommand).resolves({
      executions: [`${NAME}-other-m1abcd`, `${NAME}-m1abcd`].map((name) => ({
        name,
        executionArn: executionArn('provision', name),
        stateMachineArn: 'arn',
        status: 'FAILED',
        startDate: new Date(0),
      })),
    });

    expect((await fleet.run(`logs ${NAME}`)).out).toContain(PROVISION);
  });

  it('ends with exit code 3 when nothing of that name ever ran', async () => {
    fleet.api.answer(`GET /workers/${NAME}`, { status: 404, body: aProblem({ status: 404 }) });
    fleet.sfn.on(ListExecutionsCommand).resolves({ executions: [] });

    expect((await fleet.run(`logs ${NAME}`)).code).toBe(3);
  });

  it('refuses what cannot be the name of a worker', async () => {
    expect((await fleet.run(['logs', '.*'])).code).toBe(2);
  });
});
