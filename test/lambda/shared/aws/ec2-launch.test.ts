import {
  CreateFleetCommand,
  DescribeInstanceTypeOfferingsCommand,
  DescribeSubnetsCommand,
  EC2Client,
  EC2ServiceException,
} from '@aws-sdk/client-ec2';
import { beforeEach, describe, expect, it } from 'vitest';
import { createLaunchClient } from '#shared/aws/ec2-client.ts';
import { createLaunchEc2 } from '#shared/aws/ec2-launch.ts';
import type { FleetRequest } from '#shared/aws/ec2-port.ts';
import { mockClient } from '../../../support/mock-client.ts';

const mock = mockClient(EC2Client);
beforeEach(() => mock.reset());
const ec2 = () => createLaunchEc2(new EC2Client({ region: 'us-west-2' }), new EC2Client({ region: 'us-west-2' }));

const pool = (zone: string, instanceType = 'g4dn.xlarge') => ({
  instanceType,
  availabilityZone: `us-west-2${zone}`,
  subnetId: `subnet-${zone}`,
});
const request = (overrides: Partial<FleetRequest> = {}): FleetRequest => ({
  clientToken: 'a'.repeat(64),
  launchTemplateId: 'lt-1',
  market: 'spot',
  imageId: '',
  pools: [pool('a'), pool('b')],
  tags: { 'carrierarr:worker': 'gpu-worker-001', Name: 'carrierarr-gpu-worker-001' },
  ...overrides,
});
const failure = (name: string, httpStatusCode: number, message = 'said EC2') =>
  new EC2ServiceException({ name, $fault: 'client', message, $metadata: { httpStatusCode } });
const sent = () => mock.commandCalls(CreateFleetCommand)[0]?.args[0].input;

describe('CreateFleet', () => {
  it('asks for one Spot instance, at once, with tags on what it makes and on nothing else', async () => {
    mock.on(CreateFleetCommand).resolves({ Instances: [{ InstanceIds: ['i-1'] }] });

    const answer = await ec2().createFleet(request());

    const tags = [
      { Key: 'carrierarr:worker', Value: 'gpu-worker-001' },
      { Key: 'Name', Value: 'carrierarr-gpu-worker-001' },
    ];
    expect(answer).toEqual({ instanceIds: ['i-1'], errors: [] });
    expect(sent()).toEqual({
      Type: 'instant',
      ClientToken: 'a'.repeat(64),
      TargetCapacitySpecification: { TotalTargetCapacity: 1, DefaultTargetCapacityType: 'spot' },
      SpotOptions: { AllocationStrategy: 'price-capacity-optimized' },
      LaunchTemplateConfigs: [
        {
          LaunchTemplateSpecification: { LaunchTemplateId: 'lt-1', Version: '$Latest' },
          Overrides: [
            { InstanceType: 'g4dn.xlarge', SubnetId: 'subnet-a', AvailabilityZone: 'us-west-2a' },
            { InstanceType: 'g4dn.xlarge', SubnetId: 'subnet-b', AvailabilityZone: 'us-west-2b' },
          ],
        },
      ],
      TagSpecifications: [
        { ResourceType: 'instance', Tags: tags },
        { ResourceType: 'volume', Tags: tags },
      ],
    });
  });

  it('asks for on-demand in the order of preference, without anything of Spot', async () => {
    mock.on(CreateFleetCommand).resolves({});

    await ec2().createFleet(request({ market: 'on-demand' }));

    expect(sent()).not.toHaveProperty('SpotOptions');
    expect(sent()).toMatchObject({
      OnDemandOptions: { AllocationStrategy: 'prioritized' },
      TargetCapacitySpecification: { DefaultTargetCapacityType: 'on-demand' },
      LaunchTemplateConfigs: [{ Overrides: [{ Priority: 0 }, { Priority: 1 }] }],
    });
  });

  it('overrides the image only when one is asked for', async () => {
    mock.on(CreateFleetCommand).resolves({});

    await ec2().createFleet(request({ imageId: 'ami-0123456789abcdef0' }));

    expect(sent()?.LaunchTemplateConfigs?.[0]?.Overrides?.map((override) => override.ImageId)).toEqual([
      'ami-0123456789abcdef0',
      'ami-0123456789abcdef0',
    ]);
  });

  it('tells which pool each error of an answer is about', async () => {
    const pools = [pool('a'), pool('b'), pool('b', 'g5.xlarge')];
    mock.on(CreateFleetCommand).resolves({
      Errors: [
        {
          ErrorCode: 'InsufficientInstanceCapacity',
          LaunchTemplateAndOverrides: { Overrides: { InstanceType: 'g5.xlarge', SubnetId: 'subnet-b' } },
        },
        {
          ErrorCode: 'UnfulfillableCapacity',
          ErrorMessage: 'not tried',
          LaunchTemplateAndOverrides: { Overrides: { InstanceType: 'g4dn.xlarge', AvailabilityZone: 'us-west-2a' } },
        },
        { ErrorCode: 'UnauthorizedOperation', ErrorMessage: 'no PassRole' },
      ],
    });

    const { errors } = await ec2().createFleet(request({ pools }));

    expect(errors).toEqual([
      { pool: pools[2], code: 'InsufficientInstanceCapacity', message: '' },
      { pool: pools[0], code: 'UnfulfillableCapacity', message: 'not tried' },
      { code: 'UnauthorizedOperation', message: 'no PassRole' },
    ]);
  });

  it.each([
    ['SsmAccessDenied', 400],
    ['InvalidLaunchTemplateId.NotFound', 400],
    ['UnauthorizedOperation', 403],
    ['InsufficientInstanceCapacity', 500],
  ])('makes a refusal of the whole request (%s, HTTP %i) an error of the answer', async (code, status) => {
    mock.on(CreateFleetCommand).rejects(failure(code, status));

    expect(await ec2().createFleet(request())).toEqual({
      instanceIds: [],
      errors: [{ code, message: 'said EC2' }],
    });
  });

  it.each([
    ['RequestLimitExceeded', 503, 'ThrottledError'],
    ['InternalError', 500, 'ServiceUnavailableError'],
  ])('throws what says nothing about the request: %s', async (code, status, name) => {
    mock.on(CreateFleetCommand).rejects(failure(code, status));

    await expect(ec2().createFleet(request())).rejects.toMatchObject({ name, kind: 'retry' });
  });

  it('throws a broken connection as an answer that may be lost', async () => {
    mock.on(CreateFleetCommand).rejects(Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' }));

    await expect(ec2().createFleet(request())).rejects.toMatchObject({ name: 'ServiceUnavailableError' });
  });

  it('is never repeated by the SDK', async () => {
    expect(await createLaunchClient().config.maxAttempts()).toBe(1);
  });
});

describe('pools', () => {
  it('come from what EC2 offers by zone, page by page', async () => {
    mock
      .on(DescribeInstanceTypeOfferingsCommand)
      .resolvesOnce({
        InstanceTypeOfferings: [{ InstanceType: 'g4dn.xlarge', Location: 'us-west-2a' }],
        NextToken: 'n',
      })
      .resolves({ InstanceTypeOfferings: [{ InstanceType: 'g5.xlarge', Location: 'us-west-2b' }] });

    expect(await ec2().offerings(['g4dn.xlarge', 'g5.xlarge'])).toEqual([
      { instanceType: 'g4dn.xlarge', availabilityZone: 'us-west-2a' },
      { instanceType: 'g5.xlarge', availabilityZone: 'us-west-2b' },
    ]);
    expect(mock.commandCalls(DescribeInstanceTypeOfferingsCommand)[0]?.args[0].input).toMatchObject({
      LocationType: 'availability-zone',
      Filters: [{ Name: 'instance-type', Values: ['g4dn.xlarge', 'g5.xlarge'] }],
    });
  });

  it('know their zone from their subnet', async () => {
    mock.on(DescribeSubnetsCommand).resolves({ Subnets: [{ SubnetId: 'subnet-a', AvailabilityZone: 'us-west-2a' }] });

    expect(await ec2().subnets(['subnet-a'])).toEqual([{ subnetId: 'subnet-a', availabilityZone: 'us-west-2a' }]);
  });

  it('fail as a configuration fault when a subnet does not exist', async () => {
    mock.on(DescribeSubnetsCommand).rejects(failure('InvalidSubnetID.NotFound', 400));

    await expect(ec2().subnets(['subnet-x'])).rejects.toMatchObject({ name: 'ConfigurationError' });
  });
});
