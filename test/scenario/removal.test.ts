import { TerminateInstancesCommand } from '@aws-sdk/client-ec2';
import { DeleteSecretCommand } from '@aws-sdk/client-secrets-manager';
import { expect, it } from 'vitest';
import { secretName } from '#contract';
import { finished, provision, reached, start, stop, teardown } from './support/executions.ts';
import { clients, describeScenario, injectFaults, uniqueName } from './support/fleet.ts';
import { eventuallyRemoved, expectGone, instancesOf } from './support/remains.ts';

/** States of the provision machine from which a worker may have to be taken away. */
const STATES = ['IssueIdentity', 'LaunchInstance', 'AwaitSsm', 'AwaitBoot', 'VerifyMesh'];

describeScenario('an execution that is stopped is undone by the rescue rule', () => {
  it.each(STATES)('stopped in %s', async (state) => {
    const name = uniqueName('stopped');
    const arn = await start('provisionStateMachine', { name });
    await reached(arn, state);

    await stop(arn);

    await eventuallyRemoved(name);
  });

  it('stopped while the launch call is held up: the zombie instance does not outlive the teardown', async () => {
    const name = uniqueName('zombie');
    await injectFaults({
      service: 'ec2',
      action: 'CreateFleet',
      match: name,
      effect: { kind: 'delay', milliseconds: 6_000 },
    });
    const arn = await start('provisionStateMachine', { name });
    await reached(arn, 'LaunchInstance');

    await stop(arn);

    await eventuallyRemoved(name);
  });
});

describeScenario('a teardown works from every state', () => {
  it.each(STATES)('while the provision is in %s', async (state) => {
    const name = uniqueName('midway');
    const arn = await start('provisionStateMachine', { name });
    await reached(arn, state);

    const gone = await teardown({ name });

    expect(gone).toMatchObject({ status: 'SUCCEEDED' });
    expect((await finished(arn)).status).not.toBe('SUCCEEDED');
    await eventuallyRemoved(name);
  });

  it('twice in a row', async () => {
    const name = uniqueName('again');
    await provision({ name });

    expect(await teardown({ name })).toMatchObject({ status: 'SUCCEEDED', output: { outcome: 'fenced' } });
    expect(await teardown({ name })).toMatchObject({ status: 'SUCCEEDED', output: { outcome: 'removed' } });
    await expectGone(name);
  });

  it('twice at once: one does the work, the other points to it', async () => {
    const name = uniqueName('both');
    await provision({ name });

    const arns = await Promise.all([start('teardownStateMachine', { name }), start('teardownStateMachine', { name })]);
    const ends = await Promise.all(arns.map((arn) => finished(arn)));

    expect(ends.map(({ status }) => status)).toEqual(['SUCCEEDED', 'SUCCEEDED']);
    expect(ends.map((end) => end.output.outcome)).toContain('fenced');
    await eventuallyRemoved(name);
  });

  it('when the instance is already gone', async () => {
    const name = uniqueName('gone');
    await provision({ name });
    const [instance] = await instancesOf(name);
    await clients.ec2.send(new TerminateInstancesCommand({ InstanceIds: [instance?.InstanceId ?? ''] }));

    expect(await teardown({ name })).toMatchObject({ status: 'SUCCEEDED' });
    await expectGone(name);
  });

  it('when the secret is already gone', async () => {
    const name = uniqueName('bare');
    await provision({ name });
    const SecretId = secretName('catalyst-llm', name);
    await clients.secrets.send(new DeleteSecretCommand({ SecretId, ForceDeleteWithoutRecovery: true }));

    expect(await teardown({ name })).toMatchObject({ status: 'SUCCEEDED' });
    await expectGone(name);
  });

  it('of a worker that never was', async () => {
    expect(await teardown({ name: uniqueName('never') })).toMatchObject({
      status: 'SUCCEEDED',
      output: { outcome: 'absent' },
    });
  });

  it('goes on when the certificate cannot be revoked, and says what it skipped', async () => {
    const name = uniqueName('skip');
    await provision({ name });
    await injectFaults({
      service: 'secretsmanager',
      action: 'DeleteSecret',
      match: name,
      effect: { kind: 'error', code: 'AccessDeniedException', status: 400 },
    });

    // The proof looks for two minutes before it gives up: what EC2 shows lags behind.
    const end = await teardown({ name });

    expect(await instancesOf(name)).toEqual([]);
    expect(end).toMatchObject({ status: 'FAILED', error: 'ProofFailedError' });
    expect(end.cause).toContain('secret');
    // The rescue of the failed teardown may hold the lease already; then this one only points to it.
    expect(await teardown({ name })).toMatchObject({ status: 'SUCCEEDED' });
    await eventuallyRemoved(name);
  });
});
