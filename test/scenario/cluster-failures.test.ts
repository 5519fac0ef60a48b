import { expect, it } from 'vitest';
import { GPU_WORKER_STEPS, LIGHTHOUSE_STEPS } from '../support/life-steps.ts';
import { aLighthouse, failStep, remove, statesOf } from './support/clusters.ts';
import { provision } from './support/executions.ts';
import { describeScenario, injectFaults, strikes, uniqueName } from './support/fleet.ts';
import { expectGone, workerOf } from './support/remains.ts';

const PEERING = ['homelab-peer', 'homelab-verify-peering'];
const errorOf = (step: string): string => (PEERING.includes(step) ? 'PeeringFailedError' : 'StepFailedError');

const lighthouse = (name: string) => provision({ name, role: 'lighthouse', cluster: name });

describeScenario('a step of a lighthouse that fails is rolled back, the first error kept', () => {
  it.each(LIGHTHOUSE_STEPS)('%s exits 1, and the same worker succeeds at the second try', async (step) => {
    const name = uniqueName('no');
    await failStep(name, step);

    const failed = await lighthouse(name);

    expect(failed).toMatchObject({ status: 'FAILED', error: errorOf(step) });
    expect(failed.cause).toContain(`${step} said no`);
    expect(failed.cause).not.toContain('roll-back failed');
    expect((await workerOf(name)).failure).toMatchObject({ error: errorOf(step) });
    await expectGone(name);
    const born = await lighthouse(name);
    expect(born, born.cause).toMatchObject({ status: 'SUCCEEDED' });
    await remove(name);
  });

  it.each(LIGHTHOUSE_STEPS)('%s runs out of time', async (step) => {
    const name = uniqueName('slow');
    const effect = { kind: 'command-status' as const, status: 'TimedOut' };
    await injectFaults({ service: 'node', action: step, match: name, effect });

    const failed = await lighthouse(name);

    expect(failed).toMatchObject({ status: 'FAILED', error: 'StepTimedOutError' });
    await expectGone(name);
  });

  it('the homelab is not prepared: nothing has been launched', async () => {
    const name = uniqueName('unready');
    await failStep(name, 'homelab-preflight', 'label the namespace');

    const failed = await lighthouse(name);

    expect(failed).toMatchObject({ status: 'FAILED', error: 'PreflightFailedError' });
    expect(failed.cause).toContain('label the namespace');
    expect(await statesOf(failed.arn)).not.toContain('IssueIdentity');
    await expectGone(name);
  });

  it.each(['homelab-install-liqo', 'homelab-peer', 'homelab-verify-peering'])(
    'the homelab goes offline when %s is due',
    async (step) => {
      const name = uniqueName('dark');
      const effect = { kind: 'command-status' as const, status: 'DeliveryTimedOut' };
      await injectFaults({ service: 'node', action: step, match: name, effect });

      const failed = await lighthouse(name);

      expect(failed).toMatchObject({ status: 'FAILED', error: 'StepUndeliverableError' });
      await expectGone(name);
    },
  );

  // A dead-man switch that fires looks the same.
  it.each(['install-cilium', 'make-peering-user', 'enter-service'])(
    'the instance is taken away while %s runs',
    async (step) => {
      const name = uniqueName('spot');
      await injectFaults({ service: 'node', action: step, match: name, effect: { kind: 'vanish' } });

      const failed = await provision({ name, role: 'lighthouse', cluster: name });

      expect(failed).toMatchObject({ status: 'FAILED', error: 'StepUndeliverableError' });
      await expectGone(name);
    },
  );

  it('the first error is kept when the roll-back meets others', async () => {
    const name = uniqueName('twice');
    await failStep(name, 'homelab-verify-peering');
    await failStep(name, 'homelab-unpeer');

    const failed = await lighthouse(name);

    expect(failed).toMatchObject({ status: 'FAILED', error: 'PeeringFailedError' });
    expect(await strikes(name)).toBe(2);
    await expectGone(name);
  });
});

describeScenario('a step of a gpu-worker that fails is rolled back, and its cluster stays', () => {
  it.each(GPU_WORKER_STEPS)('%s exits 1', async (step) => {
    const { name: server, cluster } = await aLighthouse('host');
    const name = uniqueName('no');
    await failStep(name, step);

    const failed = await provision({ name, role: 'gpu-worker', cluster });

    expect(failed).toMatchObject({ status: 'FAILED', error: 'StepFailedError' });
    expect(failed.cause).toContain(`${step} said no`);
    await expectGone(name);
    expect((await workerOf(server)).phase).toBe('READY');
    await remove(server);
  });
});
