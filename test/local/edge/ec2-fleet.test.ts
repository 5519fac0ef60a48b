import {
  CreateFleetCommand,
  type CreateFleetCommandInput,
  DescribeInstancesCommand,
  DescribeSpotInstanceRequestsCommand,
  DescribeVolumesCommand,
  TerminateInstancesCommand,
} from '@aws-sdk/client-ec2';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AL2023_PARAMETER } from '#contract';
import { AMAZON_ID } from '../../../local/edge/ec2/images.ts';
import { eventually } from '../../support/eventually.ts';
import { type Bench, openBench, REGION } from './support.ts';

let bench: Bench;
beforeEach(async () => {
  bench = await openBench();
});
afterEach(() => bench.close());

const pool = (type: string, zone: string) => ({ InstanceType: type as 't3.small', SubnetId: `subnet-${zone}` });

const fleet = (overrides: Partial<CreateFleetCommandInput> = {}, pools = [pool('g4dn.xlarge', 'a')]) =>
  new CreateFleetCommand({
    Type: 'instant',
    ClientToken: 'token-1',
    LaunchTemplateConfigs: [
      { LaunchTemplateSpecification: { LaunchTemplateId: 'lt-1', Version: '$Latest' }, Overrides: pools },
    ],
    TargetCapacitySpecification: { TotalTargetCapacity: 1, DefaultTargetCapacityType: 'spot' },
    TagSpecifications: [
      { ResourceType: 'instance', Tags: [{ Key: 'carrierarr:worker', Value: 'w1' }] },
      { ResourceType: 'volume', Tags: [{ Key: 'carrierarr:worker', Value: 'w1' }] },
    ],
    ...overrides,
  });

const launch = async (overrides: Partial<CreateFleetCommandInput> = {}): Promise<string> => {
  const result = await bench.ec2.send(fleet(overrides));
  return result.Instances?.[0]?.InstanceIds?.[0] ?? '';
};

const codes = (errors: readonly { ErrorCode?: string | undefined }[] | undefined) =>
  (errors ?? []).map((error) => error.ErrorCode);

describe('CreateFleet', () => {
  it('launches from the template with the AMI of its parameter, its user data and both sets of tags', async () => {
    const instanceId = await launch();

    const described = await bench.ec2.send(new DescribeInstancesCommand({ InstanceIds: [instanceId] }));
    expect(described.Reservations?.[0]?.Instances?.[0]).toMatchObject({
      InstanceId: instanceId,
      ImageId: bench.imageId,
      InstanceType: 'g4dn.xlarge',
      InstanceLifecycle: 'spot',
      PrivateIpAddress: '10.1.0.4',
      Placement: { AvailabilityZone: 'us-west-2a' },
      MetadataOptions: { HttpTokens: 'required', InstanceMetadataTags: 'enabled' },
      Tags: expect.arrayContaining([
        { Key: 'carrierarr:role', Value: 'gpu-worker' },
        { Key: 'carrierarr:worker', Value: 'w1' },
      ]),
    });
  });

  it('knows Amazon’s own parameter, which the emulator refuses to hold', async () => {
    bench.upstream.template = { imageId: `resolve:ssm:${AL2023_PARAMETER}` };
    await expect(launch()).rejects.toThrow(AL2023_PARAMETER);
    const amazon = { name: 'al2023-ami', ownerId: AMAZON_ID, tags: {}, now: Date.now() };
    const { imageId } = bench.edge.ec2.images.register(amazon);

    const instanceId = await launch({ ClientToken: 'token-2' });

    expect(bench.edge.ec2.find(instanceId)?.imageId).toBe(imageId);
  });

  it('hands the decoded user data, tags and addresses to the node', async () => {
    const instanceId = await launch();

    await eventually(() => expect(bench.host.started).toHaveLength(1));
    expect(bench.host.started[0]).toMatchObject({
      instanceId,
      userData: 'CARRIERARR_ROLE=gpu-worker',
      tags: { 'carrierarr:worker': 'w1' },
      availabilityZone: 'us-west-2a',
      instanceArn: `arn:aws:ec2:${REGION}:000000000000:instance/${instanceId}`,
    });
  });

  it('answers the same token with the same instance and starts no second node', async () => {
    const first = await launch();
    const second = await launch();

    await eventually(() => expect(bench.host.started).toHaveLength(1));
    expect(second).toBe(first);
  });

  it('still answers the same token with the instance after that is terminated', async () => {
    const first = await launch();
    await bench.ec2.send(new TerminateInstancesCommand({ InstanceIds: [first] }));

    expect(await launch()).toBe(first);
  });

  it('refuses the same token with other parameters', async () => {
    await launch();

    await expect(
      bench.ec2.send(
        fleet({ TargetCapacitySpecification: { TotalTargetCapacity: 1, DefaultTargetCapacityType: 'on-demand' } }),
      ),
    ).rejects.toMatchObject({ name: 'IdempotentParameterMismatch' });
  });

  it('forgets the token of a call that was refused as a whole', async () => {
    bench.upstream.parameters.delete('/carrierarr/ami/gpu-worker');
    await expect(bench.ec2.send(fleet())).rejects.toMatchObject({ name: 'InvalidParameterValue' });

    bench.upstream.parameters.set('/carrierarr/ami/gpu-worker', bench.imageId);
    expect(await launch()).toMatch(/^i-/);
  });

  it('tries three pools and answers the others as not tried, all inside a success', async () => {
    bench.inject({
      service: 'ec2',
      action: 'CreateFleet',
      times: 1,
      after: 0,
      effect: { kind: 'fleet-error', code: 'InsufficientInstanceCapacity', pools: ['*'] },
    });
    const pools = ['a', 'b', 'c', 'd'].map((zone) => pool('g4dn.xlarge', zone));

    const result = await bench.ec2.send(fleet({}, pools));

    expect(result.Instances ?? []).toEqual([]);
    expect(codes(result.Errors)).toEqual([
      'InsufficientInstanceCapacity',
      'InsufficientInstanceCapacity',
      'InsufficientInstanceCapacity',
      'UnfulfillableCapacity',
    ]);
    expect(result.Errors?.[3]?.LaunchTemplateAndOverrides?.Overrides).toMatchObject({
      InstanceType: 'g4dn.xlarge',
      SubnetId: 'subnet-d',
    });
  });

  it('launches in the next pool and still reports the one that failed', async () => {
    bench.inject({
      service: 'ec2',
      action: 'CreateFleet',
      times: 1,
      after: 0,
      effect: { kind: 'fleet-error', code: 'InsufficientInstanceCapacity', pools: ['*/us-west-2a'] },
    });

    const result = await bench.ec2.send(fleet({}, [pool('g4dn.xlarge', 'a'), pool('g4dn.xlarge', 'b')]));

    expect(result.Instances?.[0]?.LaunchTemplateAndOverrides?.Overrides?.SubnetId).toBe('subnet-b');
    expect(codes(result.Errors)).toEqual(['InsufficientInstanceCapacity']);
  });

  it('answers a type the zone does not offer as an error of that pool', async () => {
    const result = await bench.ec2.send(fleet({}, [pool('g5.xlarge', 'd')]));

    expect(codes(result.Errors)).toEqual(['InvalidFleetConfiguration']);
  });

  it('fails every launch whose tags instance metadata cannot carry', async () => {
    const result = await bench.ec2.send(
      fleet({ TagSpecifications: [{ ResourceType: 'instance', Tags: [{ Key: 'team/x', Value: 'y' }] }] }),
    );

    expect(codes(result.Errors)).toEqual(['InvalidParameterValue']);
  });

  it('fails an on-demand launch from a template that tags Spot requests', async () => {
    bench.upstream.template = { tagSpecificationSet: [{ resourceType: 'spot-instances-request', tagSet: [] }] };

    const result = await bench.ec2.send(
      fleet({ TargetCapacitySpecification: { TotalTargetCapacity: 1, DefaultTargetCapacityType: 'on-demand' } }),
    );

    expect(codes(result.Errors)).toEqual(['InvalidParameterValue']);
  });

  it('refuses tags on what an instant fleet cannot tag', async () => {
    await expect(
      bench.ec2.send(fleet({ TagSpecifications: [{ ResourceType: 'network-interface', Tags: [] }] })),
    ).rejects.toMatchObject({ name: 'InvalidParameterValue' });
  });

  it('refuses a template that does not exist', async () => {
    const command = fleet({
      LaunchTemplateConfigs: [{ LaunchTemplateSpecification: { LaunchTemplateId: 'lt-9', Version: '1' } }],
    });

    await expect(bench.ec2.send(command)).rejects.toMatchObject({ name: 'InvalidLaunchTemplateId.NotFound' });
  });

  it('answers a dry run as AWS does', async () => {
    await expect(bench.ec2.send(fleet({ DryRun: true }))).rejects.toMatchObject({ name: 'DryRunOperation' });
    expect(bench.host.started).toHaveLength(0);
  });

  it('gives every instance its own address', async () => {
    await launch();
    await launch({ ClientToken: 'token-2' });

    const described = await bench.ec2.send(new DescribeInstancesCommand({}));
    const addresses = described.Reservations?.map((reservation) => reservation.Instances?.[0]?.PrivateIpAddress);
    expect(new Set(addresses).size).toBe(2);
  });

  it('tags the volume and opens a Spot request, both gone or closed with the instance', async () => {
    const instanceId = await launch();
    const filter = { Filters: [{ Name: 'tag:carrierarr:worker', Values: ['w1'] }] };
    const before = await bench.ec2.send(new DescribeVolumesCommand(filter));
    expect(before.Volumes?.[0]).toMatchObject({ Size: 30, Encrypted: true, State: 'in-use' });

    await bench.ec2.send(new TerminateInstancesCommand({ InstanceIds: [instanceId] }));

    await eventually(async () =>
      expect((await bench.ec2.send(new DescribeVolumesCommand(filter))).Volumes ?? []).toEqual([]),
    );
    const requests = await bench.ec2.send(new DescribeSpotInstanceRequestsCommand({}));
    expect(requests.SpotInstanceRequests?.[0]).toMatchObject({ InstanceId: instanceId, State: 'closed' });
  });
});
