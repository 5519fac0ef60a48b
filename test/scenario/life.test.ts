import { expect, it } from 'vitest';
import { TAG } from '#contract';
import { finished, historyOf, provision, start, teardown } from './support/executions.ts';
import { describeScenario, uniqueName } from './support/fleet.ts';
import { expectGone, instancesOf, secretOf, workerOf } from './support/remains.ts';

describeScenario('the life of a worker', () => {
  it.each(['lighthouse', 'gpu-worker'])('a %s comes into the mesh and goes without a trace', async (role) => {
    const name = uniqueName(role);
    // A cluster has one server: the default one has its own.
    const cluster = role === 'lighthouse' ? { cluster: name } : {};

    const born = await provision({ name, role, ...cluster });

    expect(born).toMatchObject({ status: 'SUCCEEDED' });
    const worker = await workerOf(name);
    expect(worker).toMatchObject({ name, role, phase: 'READY', execution: born.arn, failure: null });
    const { boot = Number.NaN, inService = Number.NaN } = worker.coldStart?.stages ?? {};
    expect(boot).toBeGreaterThan(0);
    expect(inService).toBeGreaterThan(boot);
    const [instance, ...others] = await instancesOf(name);
    expect(others).toEqual([]);
    expect(instance?.State?.Name).toBe('running');
    const secret = await secretOf(name);
    expect(secret?.[TAG.instance]).toMatch(new RegExp(`^arn:aws:ec2:.*:instance/${instance?.InstanceId}$`));

    const gone = await teardown({ name });

    expect(gone).toMatchObject({ status: 'SUCCEEDED', output: { outcome: 'fenced', skipped: [] } });
    expect(gone.output.checked).toEqual(expect.arrayContaining([expect.stringContaining('secret')]));
    await expectGone(name);
  });

  it('starts from the console with an empty input', async () => {
    const born = await provision({});

    expect(born.status).toBe('SUCCEEDED');
    const { name } = born.output as { name: string };
    expect((await teardown({ name })).status).toBe('SUCCEEDED');
    await expectGone(name);
  });

  it('can be lived again under the same name on the same day, as a new generation', async () => {
    const name = uniqueName('again');

    const generations: string[] = [];
    for (const life of [1, 2, 3]) {
      expect((await provision({ name })).status, `life ${life}`).toBe('SUCCEEDED');
      generations.push((await workerOf(name)).generation);
      expect((await teardown({ name })).status, `end of life ${life}`).toBe('SUCCEEDED');
    }

    expect(new Set(generations).size).toBe(3);
    await expectGone(name);
  });

  it('keeps a requested address, image, type and market', async () => {
    const name = uniqueName('asked');
    const wish = { nebulaIp: '10.100.77.7', instanceType: 'g5.xlarge', market: 'on-demand', role: 'gpu-worker' };

    expect((await provision({ name, ...wish })).status).toBe('SUCCEEDED');

    expect(await workerOf(name)).toMatchObject({
      address: '10.100.77.7',
      instanceType: 'g5.xlarge',
      market: 'on-demand',
    });
    expect((await teardown({ name })).status).toBe('SUCCEEDED');
  });

  it('fails a malformed input in the first state and names every fault', async () => {
    const failed = await provision({ name: 'Not A Name', role: 'cook', surprise: 1 });

    expect(failed).toMatchObject({ status: 'FAILED', error: 'InputError' });
    for (const part of ['name', 'role', 'surprise', 'lighthouse, gpu-worker', 'Remedy']) {
      expect(failed.cause).toContain(part);
    }
    const entered = (await historyOf(failed.arn)).flatMap((event) => event.stateEnteredEventDetails?.name ?? []);
    expect(entered).not.toContain('IssueIdentity');
  });

  it('two executions for one name at once make one worker, and the second points to the first', async () => {
    const name = uniqueName('twice');

    const arns = await Promise.all([
      start('provisionStateMachine', { name }),
      start('provisionStateMachine', { name }),
    ]);
    const ends = await Promise.all(arns.map((arn) => finished(arn)));

    expect(ends.map(({ status }) => status)).toEqual(['SUCCEEDED', 'SUCCEEDED']);
    expect(await instancesOf(name)).toHaveLength(1);
    const owner = (await workerOf(name)).execution;
    expect(arns).toContain(owner);
    const pointers = ends.filter(({ arn }) => arn !== owner);
    expect(pointers[0]?.output).toMatchObject({ outcome: 'taken', owner });
    expect((await teardown({ name })).status).toBe('SUCCEEDED');
    await expectGone(name);
  });
});
