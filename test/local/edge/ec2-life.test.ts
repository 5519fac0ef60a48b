import {
  CancelSpotInstanceRequestsCommand,
  CreateTagsCommand,
  DeleteSnapshotCommand,
  DeleteTagsCommand,
  DeregisterImageCommand,
  DescribeImagesCommand,
  DescribeInstancesCommand,
  DescribeInstanceTypeOfferingsCommand,
  DescribeNetworkInterfacesCommand,
  DescribeSnapshotsCommand,
  DescribeSpotInstanceRequestsCommand,
  paginateDescribeInstances,
  TerminateInstancesCommand,
} from '@aws-sdk/client-ec2';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { eventually } from '../../support/eventually.ts';
import { type Bench, launchOne, openBench } from './support.ts';

let bench: Bench | undefined;
afterEach(async () => {
  vi.useRealTimers();
  await bench?.close();
});

const open = async (times?: { pendingMs: number; shuttingDownMs: number; invisibleMs: number }): Promise<Bench> => {
  bench = await openBench(times);
  return bench;
};

const launch = (bench: Bench, worker: string): Promise<string> =>
  launchOne(bench, {
    ClientToken: worker,
    TargetCapacitySpecification: { TotalTargetCapacity: 1, DefaultTargetCapacityType: 'spot' },
    TagSpecifications: [{ ResourceType: 'instance', Tags: [{ Key: 'carrierarr:worker', Value: worker }] }],
  });

const stateOf = async ({ ec2 }: Bench, instanceId: string) => {
  const described = await ec2.send(new DescribeInstancesCommand({ InstanceIds: [instanceId] }));
  return described.Reservations?.[0]?.Instances?.[0]?.State?.Name;
};

describe('the life of an instance', () => {
  it('runs from pending over running and shutting-down to terminated', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    const cloud = await open({ pendingMs: 150, shuttingDownMs: 150, invisibleMs: 0 });
    const instanceId = await launch(cloud, 'w1');

    expect(await stateOf(cloud, instanceId)).toBe('pending');
    vi.advanceTimersByTime(150);
    expect(await stateOf(cloud, instanceId)).toBe('running');
    await eventually(() => expect(cloud.host.started).toHaveLength(1));
    await cloud.ec2.send(new TerminateInstancesCommand({ InstanceIds: [instanceId] }));
    expect(await stateOf(cloud, instanceId)).toBe('shutting-down');
    vi.advanceTimersByTime(150);
    expect(await stateOf(cloud, instanceId)).toBe('terminated');
    await eventually(() => expect(cloud.host.stopped).toEqual([instanceId]));
  });

  it('is invisible for a moment after the launch', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    const cloud = await open({ pendingMs: 0, shuttingDownMs: 0, invisibleMs: 150 });
    const instanceId = await launch(cloud, 'w1');
    const byTag = new DescribeInstancesCommand({ Filters: [{ Name: 'tag:carrierarr:worker', Values: ['w1'] }] });

    expect((await cloud.ec2.send(byTag)).Reservations ?? []).toEqual([]);
    await expect(stateOf(cloud, instanceId)).rejects.toMatchObject({ name: 'InvalidInstanceID.NotFound' });
    vi.advanceTimersByTime(150);
    expect((await cloud.ec2.send(byTag)).Reservations).toHaveLength(1);
  });

  it('may be terminated twice, and never starts a node when that happens before its boot', async () => {
    vi.useFakeTimers({ toFake: ['Date', 'setTimeout', 'clearTimeout'] });
    const cloud = await open({ pendingMs: 1_000, shuttingDownMs: 0, invisibleMs: 0 });
    const instanceId = await launch(cloud, 'w1');

    await cloud.ec2.send(new TerminateInstancesCommand({ InstanceIds: [instanceId] }));
    const again = await cloud.ec2.send(new TerminateInstancesCommand({ InstanceIds: [instanceId] }));

    await vi.advanceTimersByTimeAsync(1_100);
    expect(again.TerminatingInstances?.[0]?.PreviousState?.Name).toBe('terminated');
    expect(cloud.host.started).toEqual([]);
  });

  it('terminates none of the instances when one of the ids does not exist', async () => {
    const cloud = await open();
    const instanceId = await launch(cloud, 'w1');

    const command = new TerminateInstancesCommand({ InstanceIds: [instanceId, 'i-0123456789abcdef0'] });
    await expect(cloud.ec2.send(command)).rejects.toMatchObject({ name: 'InvalidInstanceID.NotFound' });
    expect(await stateOf(cloud, instanceId)).not.toBe('shutting-down');
  });

  it('ends by itself, with an internal error of the server, where its machine cannot be started', async () => {
    const cloud = await open({ pendingMs: 0, shuttingDownMs: 0, invisibleMs: 0 });
    cloud.host.broken = true;

    const instanceId = await launch(cloud, 'w1');

    await eventually(async () => expect(await stateOf(cloud, instanceId)).toBe('terminated'));
    expect(cloud.edge.ec2.find(instanceId)?.reason).toContain('Server.InternalError');
  });

  it('loses its network interface when it is terminated', async () => {
    const cloud = await open();
    const instanceId = await launch(cloud, 'w1');
    const command = new DescribeNetworkInterfacesCommand({
      Filters: [{ Name: 'attachment.instance-id', Values: [instanceId] }],
    });
    expect((await cloud.ec2.send(command)).NetworkInterfaces).toHaveLength(1);

    await cloud.ec2.send(new TerminateInstancesCommand({ InstanceIds: [instanceId] }));

    await eventually(async () => expect((await cloud.ec2.send(command)).NetworkInterfaces ?? []).toEqual([]));
  });
});

describe('describing instances', () => {
  it('filters by tag, state and wildcard, and pages', async () => {
    const cloud = await open({ pendingMs: 0, shuttingDownMs: 0, invisibleMs: 0 });
    for (const worker of ['gpu-1', 'gpu-2', 'gpu-3', 'home']) await launch(cloud, worker);
    const found: string[] = [];
    const pages = paginateDescribeInstances(
      { client: cloud.ec2, pageSize: 2 },
      {
        Filters: [
          { Name: 'tag:carrierarr:worker', Values: ['gpu-*'] },
          { Name: 'instance-state-name', Values: ['pending', 'running'] },
        ],
      },
    );

    let count = 0;
    for await (const page of pages) {
      count += 1;
      for (const reservation of page.Reservations ?? []) {
        for (const instance of reservation.Instances ?? []) found.push(instance.Tags?.at(-1)?.Value ?? '');
      }
    }

    expect(found).toEqual(['gpu-1', 'gpu-2', 'gpu-3']);
    expect(count).toBe(2);
  });

  it('refuses a filter it does not know instead of ignoring it', async () => {
    const cloud = await open();
    await launch(cloud, 'w1');

    const command = new DescribeInstancesCommand({ Filters: [{ Name: 'no-such-filter', Values: ['x'] }] });
    await expect(cloud.ec2.send(command)).rejects.toMatchObject({ name: 'InvalidParameterValue' });
  });

  it('shows tags that were added and not those that were removed', async () => {
    const cloud = await open();
    const instanceId = await launch(cloud, 'w1');

    await cloud.ec2.send(new CreateTagsCommand({ Resources: [instanceId], Tags: [{ Key: 'seen', Value: '1' }] }));
    await cloud.ec2.send(new DeleteTagsCommand({ Resources: [instanceId], Tags: [{ Key: 'carrierarr:worker' }] }));

    const described = await cloud.ec2.send(new DescribeInstancesCommand({ InstanceIds: [instanceId] }));
    expect(described.Reservations?.[0]?.Instances?.[0]?.Tags).toEqual([
      { Key: 'carrierarr:role', Value: 'gpu-worker' },
      { Key: 'seen', Value: '1' },
    ]);
  });

  it('passes tags on other resources to the emulator', async () => {
    const cloud = await open();

    await cloud.ec2
      .send(new CreateTagsCommand({ Resources: ['vpc-1'], Tags: [{ Key: 'a', Value: 'b' }] }))
      .catch(() => undefined);

    expect(cloud.upstream.seen).toEqual(['POST / CreateTags']);
  });
});

describe('Spot requests, offerings and images', () => {
  it('cancels a Spot request without ending the instance', async () => {
    const cloud = await open({ pendingMs: 0, shuttingDownMs: 0, invisibleMs: 0 });
    const instanceId = await launch(cloud, 'w1');
    const described = await cloud.ec2.send(new DescribeInstancesCommand({ InstanceIds: [instanceId] }));
    const id = described.Reservations?.[0]?.Instances?.[0]?.SpotInstanceRequestId ?? '';

    await cloud.ec2.send(new CancelSpotInstanceRequestsCommand({ SpotInstanceRequestIds: [id] }));

    const requests = await cloud.ec2.send(new DescribeSpotInstanceRequestsCommand({ SpotInstanceRequestIds: [id] }));
    expect(requests.SpotInstanceRequests?.[0]?.State).toBe('cancelled');
    expect(await stateOf(cloud, instanceId)).toBe('running');
  });

  it('says which zones offer a type', async () => {
    const cloud = await open();

    const answer = await cloud.ec2.send(
      new DescribeInstanceTypeOfferingsCommand({
        LocationType: 'availability-zone',
        Filters: [{ Name: 'instance-type', Values: ['g5.xlarge', 'misspelt.large'] }],
      }),
    );

    expect(answer.InstanceTypeOfferings?.map((offering) => offering.Location)).toEqual([
      'us-west-2a',
      'us-west-2b',
      'us-west-2c',
    ]);
  });

  it('keeps a snapshot from being deleted while its image exists', async () => {
    const cloud = await open();
    const images = await cloud.ec2.send(new DescribeImagesCommand({ ImageIds: [cloud.imageId] }));
    const snapshotId = images.Images?.[0]?.BlockDeviceMappings?.[0]?.Ebs?.SnapshotId ?? '';
    const remove = new DeleteSnapshotCommand({ SnapshotId: snapshotId });

    await expect(cloud.ec2.send(remove)).rejects.toMatchObject({ name: 'InvalidSnapshot.InUse' });
    await cloud.ec2.send(new DeregisterImageCommand({ ImageId: cloud.imageId }));
    await cloud.ec2.send(remove);

    expect((await cloud.ec2.send(new DescribeSnapshotsCommand({}))).Snapshots ?? []).toEqual([]);
    await expect(cloud.ec2.send(new DeregisterImageCommand({ ImageId: cloud.imageId }))).rejects.toMatchObject({
      name: 'InvalidAMIID.NotFound',
    });
  });

  it('deletes the snapshots with the image where that is asked for', async () => {
    const cloud = await open();

    const answer = await cloud.ec2.send(
      new DeregisterImageCommand({ ImageId: cloud.imageId, DeleteAssociatedSnapshots: true }),
    );

    expect(answer.DeleteSnapshotResults).toHaveLength(1);
    expect((await cloud.ec2.send(new DescribeSnapshotsCommand({}))).Snapshots ?? []).toEqual([]);
  });
});
