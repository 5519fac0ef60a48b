import {
  type EC2Client,
  type Filter,
  paginateDescribeInstances,
  type Instance as SdkInstance,
  type Tag,
  TerminateInstancesCommand,
} from '@aws-sdk/client-ec2';
import { ConfigurationError, NotYetConsistentError } from '../errors.ts';
import { awsCall, isAwsError } from './aws-errors.ts';
import { INSTANCE_STATES, type Instance, type InstanceFilter, type InstancesEc2 } from './ec2-port.ts';

export const tagFilters = (tags: Readonly<Record<string, string>> = {}): Filter[] =>
  Object.entries(tags).map(([key, value]) => ({ Name: `tag:${key}`, Values: [value] }));

export const tagRecord = (tags: readonly Tag[] = []): Record<string, string> =>
  Object.fromEntries(tags.map((tag) => [tag.Key ?? '', tag.Value ?? '']));

const listFilter = (name: string, values: readonly string[] | undefined): Filter[] =>
  values === undefined ? [] : [{ Name: name, Values: [...values] }];

/** Ids go as a filter: EC2 answers an unknown `InstanceIds` parameter with an error, an unknown filter value with nothing. */
const toFilters = (filter: InstanceFilter): Filter[] => [
  ...tagFilters(filter.tags),
  ...listFilter('instance-id', filter.instanceIds),
  ...listFilter('image-id', filter.imageId === undefined ? undefined : [filter.imageId]),
  ...listFilter('instance-state-name', filter.states),
];

const partitionOf = (region: string): string =>
  region.startsWith('cn-') ? 'aws-cn' : region.startsWith('us-gov-') ? 'aws-us-gov' : 'aws';

const toInstance = (sdk: SdkInstance, account: string, region: string): Instance => {
  const instanceId = sdk.InstanceId ?? '';
  return {
    instanceId,
    instanceArn: `arn:${partitionOf(region)}:ec2:${region}:${account}:instance/${instanceId}`,
    instanceType: sdk.InstanceType ?? '',
    availabilityZone: sdk.Placement?.AvailabilityZone ?? '',
    state: INSTANCE_STATES.find((state) => state === sdk.State?.Name) ?? 'pending',
    stateReason: sdk.StateReason?.Message ?? sdk.StateReason?.Code ?? '',
    market: sdk.InstanceLifecycle === 'spot' ? 'spot' : 'on-demand',
    imageId: sdk.ImageId ?? '',
    privateIp: sdk.PrivateIpAddress ?? '',
    publicIp: sdk.PublicIpAddress ?? '',
    launchedAt: sdk.LaunchTime ?? new Date(0),
    spotRequestId: sdk.SpotInstanceRequestId ?? '',
    tags: tagRecord(sdk.Tags),
  };
};

const describe = async (client: EC2Client, region: string, filter: InstanceFilter): Promise<Instance[]> => {
  const found: Instance[] = [];
  for await (const page of paginateDescribeInstances({ client }, { Filters: toFilters(filter) })) {
    for (const reservation of page.Reservations ?? []) {
      for (const sdk of reservation.Instances ?? []) found.push(toInstance(sdk, reservation.OwnerId ?? '', region));
    }
  }
  return found;
};

const translateTermination = (error: unknown, instanceIds: readonly string[]): unknown => {
  if (isAwsError(error, 'InvalidInstanceID.NotFound')) {
    return new NotYetConsistentError({
      what: 'EC2 does not know an instance that is to be terminated',
      got: error.message,
      remedy: 'none needed, the search is repeated',
      cause: error,
    });
  }
  if (isAwsError(error, 'OperationNotPermitted')) {
    return new ConfigurationError({
      what: 'an instance is protected against termination',
      got: `${instanceIds.join(', ')}: ${error.message}`,
      remedy: 'take the termination protection off the instance, then tear the worker down again',
      cause: error,
    });
  }
  return error;
};

/** @param region - of the client; part of every instance's ARN. */
export const createInstances = (client: EC2Client, region: string): InstancesEc2 => ({
  instances: (filter) => awsCall('ec2:DescribeInstances', () => describe(client, region, filter)),
  terminate: async (instanceIds) => {
    if (instanceIds.length === 0) return;
    await awsCall('ec2:TerminateInstances', async () => {
      try {
        await client.send(new TerminateInstancesCommand({ InstanceIds: [...instanceIds] }));
      } catch (error) {
        throw translateTermination(error, instanceIds);
      }
    });
  },
});
