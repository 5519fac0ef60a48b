import {
  CancelSpotInstanceRequestsCommand,
  DeregisterImageCommand,
  DescribeImagesCommand,
  type EC2Client,
  paginateDescribeNetworkInterfaces,
  paginateDescribeSpotInstanceRequests,
  paginateDescribeVolumes,
} from '@aws-sdk/client-ec2';
import { awsCall, isAwsError } from './aws-errors.ts';
import { tagFilters, tagRecord } from './ec2-instances.ts';
import type { ImagesEc2, LeftoversEc2 } from './ec2-port.ts';

const volumes = async (client: EC2Client, tags: Readonly<Record<string, string>>) => {
  const found: Awaited<ReturnType<LeftoversEc2['volumes']>> = [];
  for await (const page of paginateDescribeVolumes({ client }, { Filters: tagFilters(tags) })) {
    for (const volume of page.Volumes ?? []) {
      found.push({ volumeId: volume.VolumeId ?? '', state: volume.State ?? '', tags: tagRecord(volume.Tags) });
    }
  }
  return found;
};

/** By attachment, not by tag: CreateFleet cannot tag network interfaces. */
const interfacesOf = async (client: EC2Client, instanceIds: readonly string[]) => {
  const found: Awaited<ReturnType<LeftoversEc2['interfacesOf']>> = [];
  if (instanceIds.length === 0) return found;
  const filters = [{ Name: 'attachment.instance-id', Values: [...instanceIds] }];
  for await (const page of paginateDescribeNetworkInterfaces({ client }, { Filters: filters })) {
    for (const entry of page.NetworkInterfaces ?? []) {
      found.push({ interfaceId: entry.NetworkInterfaceId ?? '', instanceId: entry.Attachment?.InstanceId ?? '' });
    }
  }
  return found;
};

const spotRequestsOf = async (client: EC2Client, instanceIds: readonly string[]) => {
  const found: Awaited<ReturnType<LeftoversEc2['spotRequestsOf']>> = [];
  if (instanceIds.length === 0) return found;
  const filters = [{ Name: 'instance-id', Values: [...instanceIds] }];
  for await (const page of paginateDescribeSpotInstanceRequests({ client }, { Filters: filters })) {
    for (const request of page.SpotInstanceRequests ?? []) {
      found.push({ requestId: request.SpotInstanceRequestId ?? '', state: request.State ?? '' });
    }
  }
  return found;
};

const cancelSpotRequests = async (client: EC2Client, requestIds: readonly string[]) => {
  if (requestIds.length === 0) return;
  try {
    await client.send(new CancelSpotInstanceRequestsCommand({ SpotInstanceRequestIds: [...requestIds] }));
  } catch (error) {
    // EC2 forgets requests some time after their instance: then there is nothing left to cancel.
    if (!isAwsError(error, 'InvalidSpotInstanceRequestID.NotFound')) throw error;
  }
};

export const createLeftoversEc2 = (client: EC2Client): LeftoversEc2 => ({
  volumes: (tags) => awsCall('ec2:DescribeVolumes', () => volumes(client, tags)),
  interfacesOf: (ids) => awsCall('ec2:DescribeNetworkInterfaces', () => interfacesOf(client, ids)),
  spotRequestsOf: (ids) => awsCall('ec2:DescribeSpotInstanceRequests', () => spotRequestsOf(client, ids)),
  cancelSpotRequests: (ids) => awsCall('ec2:CancelSpotInstanceRequests', () => cancelSpotRequests(client, ids)),
});

const describeImage = async (client: EC2Client, imageId: string, owners?: string[]) => {
  try {
    const input = { ImageIds: [imageId], ...(owners === undefined ? {} : { Owners: owners }) };
    const { Images: images = [] } = await client.send(new DescribeImagesCommand(input));
    return images.find((image) => image.ImageId === imageId);
  } catch (error) {
    if (isAwsError(error, 'InvalidAMIID.NotFound', 'InvalidAMIID.Unavailable')) return undefined;
    throw error;
  }
};

const deregister = async (client: EC2Client, imageId: string): Promise<string[]> => {
  try {
    // One call for both: a crash between two calls would leave snapshots that nothing leads to any more.
    const input = { ImageId: imageId, DeleteAssociatedSnapshots: true };
    const { DeleteSnapshotResults: results = [] } = await client.send(new DeregisterImageCommand(input));
    return results.flatMap((result) => (result.ReturnCode === 'success' ? [result.SnapshotId ?? ''] : []));
  } catch (error) {
    if (isAwsError(error, 'InvalidAMIID.NotFound', 'InvalidAMIID.Unavailable')) return [];
    throw error;
  }
};

export const createImagesEc2 = (client: EC2Client): ImagesEc2 => ({
  image: (imageId) =>
    awsCall('ec2:DescribeImages', async () => {
      const ours = await describeImage(client, imageId, ['self']);
      const found = ours ?? (await describeImage(client, imageId));
      return found && { imageId, name: found.Name ?? '', ownedByUs: ours !== undefined };
    }),
  deregisterImage: (imageId) => awsCall('ec2:DeregisterImage', () => deregister(client, imageId)),
});
