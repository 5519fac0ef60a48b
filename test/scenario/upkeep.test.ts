import { CreateFleetCommand, DescribeLaunchTemplatesCommand, DescribeSubnetsCommand } from '@aws-sdk/client-ec2';
import { CreateSecretCommand } from '@aws-sdk/client-secrets-manager';
import { expect, it } from 'vitest';
import { secretName, TAG } from '#contract';
import { eventually, finished, provision, sleep, start, teardown } from './support/executions.ts';
import { api, clients, describeScenario, fleet, injectFaults, uniqueName } from './support/fleet.ts';
import { expectGone, instancesOf, secretOf, workerOf } from './support/remains.ts';

interface Finding {
  readonly kind: string;
  readonly worker: string;
  readonly action: string;
  readonly error: string;
}

const sweep = async (request: { dryRun?: boolean }): Promise<Finding[]> => {
  const end = await finished(await start('sweepStateMachine', request));
  expect(end.status).toBe('SUCCEEDED');
  return (end.output as { findings: Finding[] }).findings;
};

const renew = async (...names: string[]) => finished(await start('renewStateMachine', { names }));

describeScenario('renewal', () => {
  it('gives the worker a new certificate of the same name and address', async () => {
    const name = uniqueName('renew');
    await provision({ name });
    const before = await workerOf(name);

    expect(await renew(name)).toMatchObject({ status: 'SUCCEEDED' });

    const after = await workerOf(name);
    expect(after.certificateFingerprint).not.toBe(before.certificateFingerprint);
    expect(after).toMatchObject({ name, address: before.address, phase: 'READY', generation: before.generation });
    const certificates = await (await api()).certificates(name);
    expect(certificates).toHaveLength(2);
    expect(new Set(certificates.map(({ address }) => address)).size).toBe(1);
    await teardown({ name });
    await expectGone(name);
    expect((await (await api()).certificates(name)).map(({ status }) => status)).toEqual(['revoked', 'revoked']);
  });

  it('fails when one worker could not be renewed, and renews the others all the same', async () => {
    const [well, ill] = [uniqueName('well'), uniqueName('ill')];
    await Promise.all([provision({ name: well }), provision({ name: ill })]);
    const before = await workerOf(well);
    await injectFaults({
      service: 'node',
      action: 'renew-certificate',
      match: ill,
      effect: { kind: 'exit', code: 1, output: 'disk full' },
    });

    const end = await renew(well, ill);

    expect(end.status).toBe('FAILED');
    expect(end.cause).toContain(ill);
    expect(end.cause).not.toContain(well);
    expect((await workerOf(well)).certificateFingerprint).not.toBe(before.certificateFingerprint);
    await Promise.all([teardown({ name: well }), teardown({ name: ill })]);
  });
});

describeScenario('the sweeper', () => {
  /** A machine that carries the fleet's tags but is in no registry, as an aborted launch may leave it. */
  const strayInstance = async (name: string): Promise<void> => {
    const { LaunchTemplates } = await clients.ec2.send(new DescribeLaunchTemplatesCommand({}));
    const template = LaunchTemplates?.find(({ LaunchTemplateName }) => LaunchTemplateName === `${fleet}-lighthouse`);
    const { Subnets } = await clients.ec2.send(
      new DescribeSubnetsCommand({ Filters: [{ Name: 'availability-zone', Values: ['us-west-2a'] }] }),
    );
    const tags = { [TAG.fleet]: fleet, [TAG.worker]: name, [TAG.role]: 'lighthouse', [TAG.generation]: 'mwr00000' };
    const { Instances } = await clients.ec2.send(
      new CreateFleetCommand({
        Type: 'instant',
        TargetCapacitySpecification: { TotalTargetCapacity: 1, DefaultTargetCapacityType: 'on-demand' },
        LaunchTemplateConfigs: [
          {
            LaunchTemplateSpecification: { LaunchTemplateId: template?.LaunchTemplateId ?? '', Version: '$Latest' },
            Overrides: [{ InstanceType: 't3.medium', SubnetId: Subnets?.at(-1)?.SubnetId ?? '' }],
          },
        ],
        TagSpecifications: [
          { ResourceType: 'instance', Tags: Object.entries(tags).map(([Key, Value]) => ({ Key, Value })) },
        ],
      }),
    );
    expect(Instances?.[0]?.InstanceIds).toHaveLength(1);
  };

  // Each of the two sweeps for what the other has left: one after the other, or a dry run finds nothing.
  it.sequential('ends an instance that no worker owns, at its second look, and only reports in a dry run', async () => {
    const name = uniqueName('stray');
    await strayInstance(name);
    await eventually('stray instance', async () => ((await instancesOf(name)).length === 1 ? true : undefined));
    await sleep(6_000);

    const dry = await sweep({ dryRun: true });
    expect(dry.find(({ worker }) => worker === name)).toMatchObject({ kind: 'instance', action: 'none' });
    expect(await instancesOf(name)).toHaveLength(1);

    await eventually('stray instance ended', async () => {
      await sweep({});
      return (await instancesOf(name)).length === 0 ? true : undefined;
    });
  });

  it.sequential('deletes a secret that no worker owns, and leaves foreign secrets and living workers alone', async () => {
    const [stray, foreign, alive] = [uniqueName('orphan'), uniqueName('foreign'), uniqueName('alive')];
    const secret = (name: string, tags: Record<string, string>) =>
      new CreateSecretCommand({
        Name: secretName('catalyst-llm', name),
        SecretString: '{}',
        Tags: Object.entries(tags).map(([Key, Value]) => ({ Key, Value })),
      });
    await clients.secrets.send(secret(stray, { [TAG.fleet]: fleet, [TAG.worker]: stray }));
    await clients.secrets.send(secret(foreign, { owner: 'somebody else' }));
    await provision({ name: alive });
    await sleep(6_000);

    await eventually('orphaned secret deleted', async () => {
      await sweep({});
      return (await secretOf(stray)) === undefined ? true : undefined;
    });

    expect(await secretOf(foreign)).toBeDefined();
    expect(await instancesOf(alive)).toHaveLength(1);
    expect((await workerOf(alive)).phase).toBe('READY');
    await teardown({ name: alive });
  });
});
