import { TerminateInstancesCommand } from '@aws-sdk/client-ec2';
import { PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { expect, it } from 'vitest';
import { EVENT, OUTPUT, type WorkerObservation, type WorkerView } from '#contract';
import { eventually, executionsOf, finished, provision, sleep, teardown } from './support/executions.ts';
import { clients, describeScenario, fleet, interruptWorker, output, uniqueName } from './support/fleet.ts';
import { eventuallyRemoved, workerOf } from './support/remains.ts';

/** What the control plane says of a worker: through the bus, as it does it from the homelab. */
const tell = async (detailType: string, detail: object, source: string = EVENT.homelabSource): Promise<void> => {
  const EventBusName = await output(OUTPUT.eventBus);
  const entry = { EventBusName, Source: source, DetailType: detailType, Detail: JSON.stringify(detail) };
  const { FailedEntryCount } = await clients.events.send(new PutEventsCommand({ Entries: [entry] }));
  expect(FailedEntryCount).toBe(0);
};

const seen = (worker: WorkerView, overrides: Partial<WorkerObservation> = {}) => ({
  worker: worker.name,
  fleet,
  generation: worker.generation,
  instanceId: worker.instanceId,
  nebulaIp: worker.address,
  nodeId: `node-of-${worker.name}`,
  observedAt: new Date().toISOString(),
  ...overrides,
});
const tellIdle = (worker: WorkerView, overrides: Partial<WorkerObservation> = {}, source?: string) =>
  tell(EVENT.workerIdle, seen(worker, { idleSeconds: 86_400, ...overrides }), source);

const ready = async (hint: string, role: 'gpu-worker' | 'lighthouse' = 'gpu-worker'): Promise<WorkerView> => {
  const name = uniqueName(hint);
  const request = role === 'lighthouse' ? { name, role, cluster: name } : { name };
  expect(await provision(request)).toMatchObject({ status: 'SUCCEEDED' });
  return await workerOf(name);
};

/** The worker once its row shows what was looked for. */
const eventuallyShown = (name: string, what: string, shows: (worker: WorkerView) => boolean): Promise<WorkerView> =>
  eventually(
    `${name}: ${what}`,
    async () => {
      const worker = await workerOf(name);
      return shows(worker) ? worker : undefined;
    },
    2_000,
  );

describeScenario('an idle worker', () => {
  it('is warned of, then torn down, and says why it went', async () => {
    const worker = await ready('idle');
    // The scenarios' fleet warns after three seconds and gives another three.
    await sleep(3_000);
    await tellIdle(worker);
    const warned = await eventuallyShown(worker.name, 'warned of', ({ idle }) => idle?.warnedAt !== undefined);
    expect(warned.phase).toBe('READY');
    await sleep(Math.max(0, Date.parse(warned.idle?.teardownAt ?? '') - Date.now()));

    await tellIdle(worker);

    await eventuallyRemoved(worker.name);
    expect(await workerOf(worker.name)).toMatchObject({
      removal: { reason: 'idle', text: expect.stringContaining('warned of at') },
      failure: null,
    });
  });

  it('stays where it is a lighthouse: others hang on it', async () => {
    const server = await ready('idle-server', 'lighthouse');
    await sleep(3_000);

    await tellIdle(server);

    const shown = await eventuallyShown(server.name, 'idle', ({ agentHealth }) => agentHealth?.state === 'idle');
    expect(shown).toMatchObject({ phase: 'READY', idle: { since: expect.any(String) } });
    expect(shown.idle).not.toHaveProperty('warnedAt');
    await teardown({ name: server.name });
  });
});

describeScenario('a dead worker', () => {
  it('is torn down at once where its instance is gone', async () => {
    const worker = await ready('lost');
    await clients.ec2.send(new TerminateInstancesCommand({ InstanceIds: [worker.instanceId ?? ''] }));

    await tell(EVENT.workerDead, seen(worker, { lastSeen: worker.updatedAt }));

    await eventuallyRemoved(worker.name);
    expect((await workerOf(worker.name)).removal).toMatchObject({
      reason: 'lost',
      text: expect.stringContaining(worker.instanceId ?? ''),
    });
  });

  it('stays where its instance runs, shows since when nobody hears it, and nobody else speaks for it', async () => {
    const worker = await ready('mute');
    await sleep(3_000);
    await tellIdle(worker, {}, 'carrierarr.scenario');
    await tellIdle(worker, { instanceId: 'i-0fedcba9876543210' });
    await tellIdle(worker, { generation: 'm0000000' });

    await tell(EVENT.workerDead, seen(worker, { lastSeen: worker.updatedAt }));

    const shown = await eventuallyShown(worker.name, 'dead', ({ agentHealth }) => agentHealth?.state === 'dead');
    const sweeps = await eventually('a sweep', async () => {
      const started = await executionsOf('sweepStateMachine', 'dead-');
      return started.length > 0 ? started : undefined;
    });
    await Promise.all(sweeps.map((sweep) => finished(sweep)));
    expect(shown.idle).toBeNull();
    expect((await workerOf(worker.name)).phase).toBe('READY');
    await teardown({ name: worker.name });
  });
});

describeScenario('a worker that EC2 takes back', () => {
  it('is torn down on the warning, while its instance still runs', async () => {
    const name = uniqueName('spot');
    expect(await provision({ name, market: 'spot' })).toMatchObject({ status: 'SUCCEEDED' });

    await interruptWorker(name, 600);

    await eventuallyRemoved(name);
    expect(await workerOf(name)).toMatchObject({ removal: { reason: 'spot-interruption' }, failure: null });
  });
});
