import { GetExecutionHistoryCommand } from '@aws-sdk/client-sfn';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { aProblem, executionArn } from '../support/builders.ts';
import { type DeployedFleet, deployedFleet } from '../support/command-line.ts';
import { recordedHistory } from '../support/histories.ts';

const NAME = 'gpu-worker-a1b2';
const EXECUTION = executionArn('provision', `${NAME}-m1abcd`);
const ANSWER = { name: NAME, address: '10.100.2.1', generation: 'm1abcd', execution: EXECUTION };

let fleet: DeployedFleet;
beforeEach(async () => {
  fleet = await deployedFleet();
  fleet.api.answer('POST /workers', { status: 202, body: ANSWER });
  fleet.history(EXECUTION, recordedHistory('provisioned'));
});
afterEach(() => fleet.close());

describe('provision', () => {
  it('sends what was asked for, signed, and follows the execution until the worker is ready', async () => {
    const { code, out, err } = await fleet.run(`provision ${NAME} --role gpu-worker --market spot --no-fallback`);

    expect(code).toBe(0);
    expect(err).toBe('');
    expect(fleet.api.requests).toEqual([
      {
        method: 'POST',
        path: '/workers',
        authorization: expect.stringMatching(/^AWS4-HMAC-SHA256 Credential=test\/\d+\/us-west-2\/execute-api\//),
        body: { name: NAME, role: 'gpu-worker', market: 'spot', onDemandFallback: false },
      },
    ]);
    expect(out).toMatch(/^Provisioning gpu-worker-a1b2 at 10\.100\.2\.1\n/);
    expect(out).toMatch(/Verify mesh: done/);
    expect(out).toMatch(/ready gpu-worker-a1b2 is in the mesh at 10\.100\.2\.1 \(\d+\.\ds\)\n$/);
  });

  it("takes the options of the seed's Tiltfile", async () => {
    await fleet.run(
      'provision --worker-name=gpu-worker-001 --nebula-ip=10.100.2.1 --instance-type=t3.small --ami-id=ami-0f24e5b7febd29ea3 --region=us-west-2 --no-wait',
    );

    expect(fleet.api.requests[0]?.body).toEqual({
      name: 'gpu-worker-001',
      nebulaIp: '10.100.2.1',
      instanceType: 't3.small',
      amiId: 'ami-0f24e5b7febd29ea3',
    });
  });

  it('invents a name where none is given, so that the request can be repeated', async () => {
    fleet.api.answer(
      'POST /workers',
      { status: 503, body: { message: 'Service Unavailable' } },
      { status: 202, body: ANSWER },
    );

    const { code } = await fleet.run('provision --no-wait');

    expect(code).toBe(0);
    const [first, second] = fleet.api.requests;
    expect(first?.body).toMatchObject({ name: expect.stringMatching(/^gpu-worker-[0-9a-z]{5}$/), role: 'gpu-worker' });
    expect(second?.body).toEqual(first?.body);
  });

  it('says so when the worker exists already', async () => {
    fleet.api.answer('POST /workers', { status: 200, body: ANSWER });

    const { code, out } = await fleet.run(`provision ${NAME} --no-wait`);

    expect(code).toBe(0);
    expect(out).toContain('exists already with the same parameters');
  });

  it('does not follow a worker that is ready', async () => {
    fleet.api.answer('POST /workers', { status: 200, body: { ...ANSWER, phase: 'READY' } });

    const { code, out } = await fleet.run(`provision ${NAME}`);

    expect({ code, out }).toEqual({
      code: 0,
      out: 'gpu-worker-a1b2 at 10.100.2.1 exists already with the same parameters and is ready\n',
    });
    expect(fleet.sfn.calls()).toHaveLength(0);
  });

  it('says that the provisioning goes on when it loses sight of it', async () => {
    fleet.sfn.on(GetExecutionHistoryCommand).rejects(Object.assign(new Error('no network'), { code: 'ENOTFOUND' }));

    const { code, err } = await fleet.run(`provision ${NAME}`);

    expect(code).toBe(5);
    expect(err).toContain('lost sight of it: AWS cannot be reached');
    expect(err).toContain('carrierarr teardown gpu-worker-a1b2');
  });

  it('reports the first error, its remedy and the roll-back when it fails', async () => {
    fleet.history(EXECUTION, recordedHistory('rolled-back'));

    const { code, out, err } = await fleet.run(`provision ${NAME}`);

    expect(code).toBe(1);
    expect(out).toContain('Verify mesh: failed');
    expect(err).toContain('error: provisioning gpu-worker-a1b2 failed: StepFailedError (rolled back: nothing is left)');
    expect(err).toContain('nebula0 has no address');
    expect(err).toContain('remedy   read the whole output with `carrierarr logs gpu-worker-a1b2`');
  });

  it('says that a stopped execution is torn down', async () => {
    fleet.history(EXECUTION, recordedHistory('stopped'));

    const { code, err } = await fleet.run(`provision ${NAME}`);

    expect(code).toBe(1);
    expect(err).toContain('a teardown has been started');
  });

  it('speaks NDJSON with --json, a result at the end', async () => {
    const { out } = await fleet.run(`provision ${NAME} --json`);

    const events = out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(events[0]).toMatchObject({ event: 'started', name: NAME, created: true });
    expect(events.filter(({ event }) => event === 'phase').length).toBeGreaterThanOrEqual(7);
    expect(events.at(-1)).toMatchObject({ event: 'result', name: NAME, address: '10.100.2.1', status: 'SUCCEEDED' });
  });

  it('redraws on a terminal and writes no escape into a pipe', async () => {
    expect((await fleet.run(`provision ${NAME}`, { terminal: true })).out).toContain('\x1b[2K');
    expect((await fleet.run(`provision ${NAME}`)).out).not.toContain('\x1b');
  });

  it('returns at once with --no-wait and says how to follow', async () => {
    const { out } = await fleet.run(`provision ${NAME} --no-wait`);

    expect(out).toContain(`follow it with: carrierarr status ${NAME} --watch`);
    expect(fleet.sfn.calls()).toHaveLength(0);
  });

  it('names every bad field at once before anything is asked of AWS', async () => {
    const { code, err } = await fleet.run('provision Bad_Name --market cheap --nebula-ip 10.100.2 --ami-id x');

    expect(code).toBe(2);
    for (const field of ['name', 'market', 'nebulaIp', 'amiId']) expect(err).toContain(`  ${field}: not valid; got`);
    expect(fleet.api.requests).toHaveLength(0);
    expect(fleet.cloudFormation.calls()).toHaveLength(0);
  });

  it('refuses two different names', async () => {
    expect((await fleet.run('provision one --worker-name two')).code).toBe(2);
  });

  it.each([
    [409, 4],
    [400, 2],
    [403, 5],
    [404, 3],
  ])('turns a %d of the API into exit code %d with its remedy', async (status, exit) => {
    fleet.api.answer('POST /workers', { status, body: aProblem({ status }) });

    const { code, err } = await fleet.run(`provision ${NAME}`);

    expect(code).toBe(exit);
    expect(err).toContain('error: the name is in use with another request\n');
    expect(err).toContain('choose another name');
    expect(err).not.toContain(' at ');
  });

  it('tells on Ctrl-C that the worker goes on, and how to follow or remove it', async () => {
    const events = recordedHistory('provisioned').slice(0, 20).toReversed();
    const controller = new AbortController();
    let looks = 0;
    fleet.sfn.on(GetExecutionHistoryCommand).callsFake(() => {
      looks += 1;
      if (looks === 3) controller.abort();
      return { events };
    });
    const interruption = { signal: controller.signal, notice: '', arm: () => {}, disarm: () => {} };

    const { code, err } = await fleet.run(`provision ${NAME}`, { interruption });

    expect(code).toBe(130);
    expect(err).toContain('goes on being provisioned');
    expect(err).toContain(`carrierarr status ${NAME} --watch`);
    expect(err).toContain(`carrierarr teardown ${NAME}`);
  });
});
