import { PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { expect, it } from 'vitest';
import { EVENT, OUTPUT } from '#contract';
import { eventually, executionsOf, finished, provision, teardown } from './support/executions.ts';
import { api, clients, describeScenario, output, uniqueName } from './support/fleet.ts';
import { expectGone, workerOf } from './support/remains.ts';

const put = async (detailType: string, detail: unknown): Promise<void> => {
  const { FailedEntryCount } = await clients.events.send(
    new PutEventsCommand({
      Entries: [
        {
          EventBusName: await output(OUTPUT.eventBus),
          Source: 'scenario',
          DetailType: detailType,
          Detail: JSON.stringify(detail),
        },
      ],
    }),
  );
  expect(FailedEntryCount).toBe(0);
};

const workersIn = async (cluster: string) =>
  (await (await api()).workers()).filter((worker) => worker.role === 'gpu-worker' && worker.cluster === cluster);

describeScenario('the API, called with a signature', () => {
  it('answers 202, then 200 for the same request, 409 for another, and takes the worker away', async () => {
    const door = await api();
    const name = uniqueName('api');

    const request = { name, role: 'lighthouse', cluster: name } as const;
    const created = await door.provision(request);
    expect(created).toMatchObject({ name, created: true, address: expect.stringMatching(/^10\.100\./) });
    expect(await door.provision(request)).toMatchObject({
      created: false,
      execution: created.execution,
      address: created.address,
    });
    await expect(door.provision({ name, role: 'gpu-worker' })).rejects.toMatchObject({ exitCode: 4 });

    expect((await finished(created.execution)).status).toBe('SUCCEEDED');
    expect((await door.workers()).map((worker) => worker.name)).toContain(name);
    expect(await door.worker(name)).toMatchObject({ phase: 'READY', address: created.address });

    const { execution } = await door.teardown(name, false);
    expect((await finished(execution)).status).toBe('SUCCEEDED');
    await expectGone(name);
    expect((await door.workers()).map((worker) => worker.name)).not.toContain(name);
  });

  it('the same name posted twice at once is one worker', async () => {
    const door = await api();
    const name = uniqueName('race');

    const answers = await Promise.all([door.provision({ name }), door.provision({ name })]);

    expect(new Set(answers.map(({ execution }) => execution)).size).toBe(1);
    expect(await executionsOf('provisionStateMachine', name)).toHaveLength(1);
    await finished(answers[0].execution);
    await teardown({ name });
    await expectGone(name);
  });

  it('says what was wrong, what was given, what is allowed and what to do', async () => {
    const door = await api();
    const bad = { name: 'UPPER', role: 'cook' } as unknown as Parameters<typeof door.provision>[0];

    const refused = door.provision(bad);

    await expect(refused).rejects.toMatchObject({
      exitCode: 2,
      facts: { remedy: expect.stringMatching(/./) },
      faults: [
        { field: 'name', got: '"UPPER"', allowed: expect.stringContaining('lower-case') },
        { field: 'role', got: '"cook"', allowed: 'lighthouse, gpu-worker' },
      ],
    });
    await expect(door.worker(uniqueName('nobody'))).rejects.toMatchObject({ exitCode: 3 });
  });
});

describeScenario('events on the bus', () => {
  it('Scale Out Requested starts that many workers, once, however often it is delivered; Scale In ends them', async () => {
    const cluster = uniqueName('order');
    expect((await provision({ name: cluster, role: 'lighthouse', cluster })).status).toBe('SUCCEEDED');
    const request = { role: 'gpu-worker', cluster, count: 3, requestId: cluster };

    await put(EVENT.scaleOutRequested, request);
    await put(EVENT.scaleOutRequested, request);

    const ready = await eventually('three workers ready', async () => {
      const found = await workersIn(cluster);
      return found.filter(({ phase }) => phase === 'READY').length === 3 ? found : undefined;
    });
    expect(ready).toHaveLength(3);

    await put(EVENT.scaleInRequested, { names: ready.map(({ name }) => name) });

    for (const { name } of ready) {
      await eventually(`${name} removed`, async () => ((await workerOf(name)).phase === 'REMOVED' ? true : undefined));
      await expectGone(name);
    }
    expect((await teardown({ name: cluster })).status).toBe('SUCCEEDED');
  });
});
