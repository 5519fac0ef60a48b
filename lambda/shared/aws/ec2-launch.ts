import {
  type _InstanceType,
  CreateFleetCommand,
  type CreateFleetCommandInput,
  type CreateFleetError,
  type EC2Client,
  paginateDescribeInstanceTypeOfferings,
  paginateDescribeSubnets,
} from '@aws-sdk/client-ec2';
import { ConfigurationError, PermissionError } from '../errors.ts';
import { awsCall, isAwsError, translateAwsError } from './aws-errors.ts';
import type { FleetAnswer, FleetError, FleetRequest, LaunchEc2, Pool } from './ec2-port.ts';

const tagList = (tags: Readonly<Record<string, string>>) =>
  Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));

/**
 * Built per market: a Spot option in an on-demand request, or tags for a resource the request does not make, fails the
 * launch. Tags for `instance` and `volume` only: CreateFleet takes no others for what it launches.
 */
const toInput = (request: FleetRequest): CreateFleetCommandInput => ({
  Type: 'instant',
  ClientToken: request.clientToken,
  TargetCapacitySpecification: { TotalTargetCapacity: 1, DefaultTargetCapacityType: request.market },
  ...(request.market === 'spot'
    ? { SpotOptions: { AllocationStrategy: 'price-capacity-optimized' } }
    : { OnDemandOptions: { AllocationStrategy: 'prioritized' } }),
  LaunchTemplateConfigs: [
    {
      // CloudFormation adds versions but leaves the default at the first one.
      LaunchTemplateSpecification: { LaunchTemplateId: request.launchTemplateId, Version: '$Latest' },
      Overrides: request.pools.map((pool, index) => ({
        InstanceType: pool.instanceType as _InstanceType,
        SubnetId: pool.subnetId,
        // Redundant beside the subnet, but EC2 repeats it in its errors.
        AvailabilityZone: pool.availabilityZone,
        ...(request.market === 'on-demand' ? { Priority: index } : {}),
        ...(request.imageId === '' ? {} : { ImageId: request.imageId }),
      })),
    },
  ],
  TagSpecifications: [
    { ResourceType: 'instance', Tags: tagList(request.tags) },
    { ResourceType: 'volume', Tags: tagList(request.tags) },
  ],
});

const toFleetError = (error: CreateFleetError, pools: readonly Pool[]): FleetError => {
  const overrides = error.LaunchTemplateAndOverrides?.Overrides;
  const pool = pools.find(
    (candidate) =>
      candidate.instanceType === overrides?.InstanceType &&
      (overrides.SubnetId === undefined
        ? candidate.availabilityZone === overrides.AvailabilityZone
        : candidate.subnetId === overrides.SubnetId),
  );
  return {
    ...(pool === undefined ? {} : { pool }),
    code: error.ErrorCode ?? 'Unknown',
    message: error.ErrorMessage ?? '',
  };
};

/**
 * EC2 says no now in the answer, now as an error; want of capacity even as HTTP 500. The domain judges all of them by
 * their code; only what says nothing about the request (throttling, failures) stays an error.
 */
const isRefusal = (error: Error, translated: unknown): boolean =>
  '$fault' in error &&
  (translated === error || translated instanceof PermissionError || error.name.startsWith('Insufficient'));

const createFleet = async (client: EC2Client, request: FleetRequest): Promise<FleetAnswer> => {
  try {
    const answer = await client.send(new CreateFleetCommand(toInput(request)));
    return {
      instanceIds: (answer.Instances ?? []).flatMap((instance) => instance.InstanceIds ?? []),
      errors: (answer.Errors ?? []).map((error) => toFleetError(error, request.pools)),
    };
  } catch (error) {
    const translated = translateAwsError(error, 'ec2:CreateFleet');
    if (!(error instanceof Error) || !isRefusal(error, translated)) throw translated;
    return { instanceIds: [], errors: [{ code: error.name, message: error.message }] };
  }
};

const offerings = async (client: EC2Client, instanceTypes: readonly string[]) => {
  const found: { instanceType: string; availabilityZone: string }[] = [];
  const pages = paginateDescribeInstanceTypeOfferings(
    { client },
    { LocationType: 'availability-zone', Filters: [{ Name: 'instance-type', Values: [...instanceTypes] }] },
  );
  for await (const page of pages) {
    for (const offering of page.InstanceTypeOfferings ?? []) {
      found.push({ instanceType: offering.InstanceType ?? '', availabilityZone: offering.Location ?? '' });
    }
  }
  return found;
};

const subnets = async (client: EC2Client, subnetIds: readonly string[]) => {
  const found: { subnetId: string; availabilityZone: string }[] = [];
  try {
    for await (const page of paginateDescribeSubnets({ client }, { SubnetIds: [...subnetIds] })) {
      for (const subnet of page.Subnets ?? []) {
        found.push({ subnetId: subnet.SubnetId ?? '', availabilityZone: subnet.AvailabilityZone ?? '' });
      }
    }
  } catch (error) {
    if (!isAwsError(error, 'InvalidSubnetID.NotFound', 'InvalidSubnetId.Malformed')) throw error;
    throw new ConfigurationError({
      what: 'a configured subnet does not exist',
      got: error.message,
      allowed: 'subnets of the fleet’s VPC in the fleet’s region',
      remedy: 'correct network.subnetIds (or the VPC) in the configuration and deploy again',
      cause: error,
    });
  }
  return found;
};

/**
 * @param client - repeats what it is asked (offerings, subnets)
 * @param launchClient - must not repeat anything by itself
 */
export const createLaunchEc2 = (client: EC2Client, launchClient: EC2Client): LaunchEc2 => ({
  offerings: (instanceTypes) => awsCall('ec2:DescribeInstanceTypeOfferings', () => offerings(client, instanceTypes)),
  subnets: (subnetIds) => awsCall('ec2:DescribeSubnets', () => subnets(client, subnetIds)),
  createFleet: (request) => createFleet(launchClient, request),
});
