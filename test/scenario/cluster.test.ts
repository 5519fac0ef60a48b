import { ListSecretsCommand } from '@aws-sdk/client-secrets-manager';
import { expect, it } from 'vitest';
import { TAG } from '#contract';
import { aLighthouse, allFinished, remove, startBoth, statesOf } from './support/clusters.ts';
import { provision, teardown } from './support/executions.ts';
import { clients, describeScenario, uniqueName } from './support/fleet.ts';
import { expectGone, instancesOf, workerOf } from './support/remains.ts';

const secretsOf = async (name: string): Promise<string[]> => {
  const Filters = [
    { Key: 'tag-key' as const, Values: [TAG.worker] },
    { Key: 'tag-value' as const, Values: [name] },
  ];
  const { SecretList } = await clients.secrets.send(new ListSecretsCommand({ Filters }));
  return (SecretList ?? []).map(({ Name }) => Name ?? '');
};

describeScenario('a cluster on EC2', () => {
  it('is opened by a lighthouse, peered with the homelab, joined by a gpu-worker, and gone without a trace', async () => {
    const { name, cluster } = await aLighthouse('open');
    expect(await workerOf(name)).toMatchObject({
      phase: 'READY',
      cluster,
      details: { caHash: expect.stringMatching(/^[0-9a-f]{64}$/), virtualNode: expect.stringContaining(cluster) },
    });

    const gpu = uniqueName('gpu');
    const joined = await provision({ name: gpu, role: 'gpu-worker', cluster });

    expect(joined, joined.cause).toMatchObject({ status: 'SUCCEEDED' });
    expect(await workerOf(gpu)).toMatchObject({
      phase: 'READY',
      cluster,
      details: { node: `carrierarr-${gpu}`, gpu: '1' },
    });
    for (const worker of [gpu, name]) {
      const gone = await teardown({ name: worker });
      expect(gone, gone.cause).toMatchObject({ status: 'SUCCEEDED', output: { outcome: 'fenced', skipped: [] } });
      await expectGone(worker);
    }
  });

  it('leaves no credential behind once it is peered', async () => {
    const { name } = await aLighthouse('handover');

    expect(await secretsOf(name)).toEqual([`catalyst-llm/nebula-${name}`]);
    await remove(name);
  });

  it('is waited for by a gpu-worker that was asked for at the same time, before anything of it costs', async () => {
    const cluster = uniqueName('early');
    const gpu = uniqueName('early-gpu');

    const arns = await startBoth(
      { name: cluster, role: 'lighthouse', cluster },
      { name: gpu, role: 'gpu-worker', cluster },
    );
    const ends = await allFinished(arns);

    expect(ends.map(({ status, cause }) => `${status} ${cause}`)).toEqual(['SUCCEEDED ', 'SUCCEEDED ']);
    const states = await statesOf(arns[1] ?? '');
    expect(states.indexOf('AwaitClusterWait')).toBeGreaterThan(0);
    expect(states.indexOf('AwaitClusterWait')).toBeLessThan(states.indexOf('LaunchInstance'));
    await remove(gpu, cluster);
  });

  it('has one server: a second one is refused with the name of the first, and costs nothing', async () => {
    const { name, cluster } = await aLighthouse('first');
    const second = uniqueName('second');

    const refused = await provision({ name: second, role: 'lighthouse', cluster });

    expect(refused).toMatchObject({ status: 'FAILED', error: 'ClusterConflictError' });
    expect(refused.cause).toContain(name);
    expect(await instancesOf(second)).toEqual([]);
    await remove(name);
  });

  it('can be opened again by another server when the first is gone', async () => {
    const { name, cluster } = await aLighthouse('former');
    await remove(name);
    const next = uniqueName('next');

    const born = await provision({ name: next, role: 'lighthouse', cluster });

    expect(born, born.cause).toMatchObject({ status: 'SUCCEEDED' });
    await remove(next);
  });

  it('without a server is refused to a gpu-worker after some looks, with the way to make one', async () => {
    const name = uniqueName('alone');

    const refused = await provision({ name, role: 'gpu-worker', cluster: 'nobodys-cluster' });

    expect(refused).toMatchObject({ status: 'FAILED', error: 'ClusterUnavailableError' });
    expect(refused.cause).toMatch(/nobodys-cluster.*Remedy.*lighthouse/s);
    expect(await statesOf(refused.arn)).not.toContain('LaunchInstance');
    await expectGone(name);
  });
});
