import { TerminateInstancesCommand } from '@aws-sdk/client-ec2';
import { expect, it } from 'vitest';
import { aLighthouse, failStep, remove, statesOf } from './support/clusters.ts';
import { finished, provision, reached, start, stop, teardown } from './support/executions.ts';
import { clients, describeScenario, injectFaults, uniqueName } from './support/fleet.ts';
import { eventuallyRemoved, expectGone, instancesOf, workerOf } from './support/remains.ts';

const STATES = ['HomelabPreflight', 'InstallCilium', 'InstallLiqoAws', 'PeerClusters', 'VerifyPeering'];

const skippedSteps = (output: Record<string, unknown>): string[] =>
  (output.skipped as { step: string }[]).map(({ step }) => step);

describeScenario('a lighthouse is taken away from every state', () => {
  it.each(STATES)('its execution stopped in %s', async (state) => {
    const name = uniqueName('halt');
    const arn = await start('provisionStateMachine', { name, role: 'lighthouse', cluster: name });
    await reached(arn, state);

    await stop(arn);

    await eventuallyRemoved(name);
  });

  it.each(STATES)('torn down while its provision is in %s', async (state) => {
    const name = uniqueName('midway');
    const arn = await start('provisionStateMachine', { name, role: 'lighthouse', cluster: name });
    await reached(arn, state);

    const gone = await teardown({ name });

    expect(gone, gone.cause).toMatchObject({ status: 'SUCCEEDED' });
    expect((await finished(arn)).status).not.toBe('SUCCEEDED');
    await eventuallyRemoved(name);
  });
});

describeScenario('nothing in the clusters keeps an instance alive', () => {
  it.each(['make-peering-user', 'homelab-unpeer', 'delete-peering-user', 'homelab-forget-cluster'])(
    '%s fails: the rest goes on, and the output says what was skipped',
    async (step) => {
      const { name } = await aLighthouse('stuck');
      // The provision has had its own run of this step.
      await failStep(name, step);

      const gone = await teardown({ name });

      expect(gone, gone.cause).toMatchObject({ status: 'SUCCEEDED' });
      expect(skippedSteps(gone.output).length).toBeGreaterThan(0);
      await expectGone(name);
    },
  );

  it('the instance goes while its cluster is unpeered: by force then', async () => {
    const { name } = await aLighthouse('lost');
    await injectFaults({ service: 'node', action: 'make-peering-user', match: name, effect: { kind: 'vanish' } });

    const gone = await teardown({ name });

    expect(gone, gone.cause).toMatchObject({ status: 'SUCCEEDED' });
    await expectGone(name);
  });

  it('the instance has been gone for long: the homelab forgets its cluster by force', async () => {
    const { name } = await aLighthouse('gone');
    const [instance] = await instancesOf(name);
    await clients.ec2.send(new TerminateInstancesCommand({ InstanceIds: [instance?.InstanceId ?? ''] }));

    const gone = await teardown({ name });

    expect(gone, gone.cause).toMatchObject({ status: 'SUCCEEDED' });
    expect((await statesOf(gone.arn)).join()).toContain('Unpeer');
    await expectGone(name);
  });

  it('the homelab does not answer: the worker goes all the same', async () => {
    const { name } = await aLighthouse('dark');
    const effect = { kind: 'command-status' as const, status: 'DeliveryTimedOut' };
    for (const action of ['homelab-unpeer', 'homelab-forget-cluster']) {
      await injectFaults({ service: 'node', action, match: name, times: 5, effect });
    }

    const gone = await teardown({ name });

    expect(gone, gone.cause).toMatchObject({ status: 'SUCCEEDED' });
    expect(skippedSteps(gone.output).length).toBeGreaterThan(0);
    await expectGone(name);
  });

  it('a gpu-worker whose server is gone leaves without asking it', async () => {
    const { name: server, cluster } = await aLighthouse('orphan');
    const name = uniqueName('orphaned');
    expect((await provision({ name, role: 'gpu-worker', cluster })).status).toBe('SUCCEEDED');
    await remove(server);

    const gone = await teardown({ name });

    expect(gone, gone.cause).toMatchObject({ status: 'SUCCEEDED', output: { skipped: [] } });
    await expectGone(name);
  });

  it('a gpu-worker that cannot be drained goes all the same', async () => {
    const { name: server, cluster } = await aLighthouse('drain');
    const name = uniqueName('busy');
    expect((await provision({ name, role: 'gpu-worker', cluster })).status).toBe('SUCCEEDED');
    await failStep(name, 'leave-cluster', 'pods do not leave');

    const gone = await teardown({ name });

    expect(gone, gone.cause).toMatchObject({ status: 'SUCCEEDED' });
    expect(JSON.stringify(gone.output.skipped)).toContain('pods do not leave');
    await expectGone(name);
    expect((await workerOf(server)).phase).toBe('READY');
    await remove(server);
  });
});
