import {
  CopyImageCommand,
  type CopyImageCommandInput,
  CreateTagsCommand,
  DeleteTagsCommand,
  DescribeImagesCommand,
  DescribeSnapshotsCommand,
} from '@aws-sdk/client-ec2';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { type Bench, openBench } from './support.ts';

const PENDING_MS = 100;

let bench: Bench | undefined;
afterEach(async () => {
  vi.useRealTimers();
  await bench?.close();
});

const open = async (): Promise<Bench> => {
  bench = await openBench({ pendingMs: PENDING_MS, shuttingDownMs: 0, invisibleMs: 0 });
  return bench;
};

const copy = async (cloud: Bench, overrides: Partial<CopyImageCommandInput> = {}): Promise<string> => {
  const input = { Name: 'copy', SourceImageId: cloud.imageId, SourceRegion: 'us-east-1', ...overrides };
  return (await cloud.ec2.send(new CopyImageCommand(input))).ImageId ?? '';
};

const look = async ({ ec2 }: Bench, id: string) =>
  (await ec2.send(new DescribeImagesCommand({ ImageIds: [id] }))).Images?.[0];

describe('the copy of an image', () => {
  it('is pending for a while, then available, with the tags and the encryption that were asked for', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    const cloud = await open();
    const Tags = [{ Key: 'carrierarr:image', Value: 'gpu-worker' }];

    const id = await copy(cloud, {
      Encrypted: true,
      TagSpecifications: [
        { ResourceType: 'image', Tags },
        { ResourceType: 'snapshot', Tags },
      ],
    });

    expect((await look(cloud, id))?.State).toBe('pending');
    vi.advanceTimersByTime(PENDING_MS);
    expect((await look(cloud, id))?.State).toBe('available');
    const image = await look(cloud, id);
    const snapshots = await cloud.ec2.send(
      new DescribeSnapshotsCommand({ Filters: [{ Name: 'tag:carrierarr:image', Values: ['gpu-worker'] }] }),
    );
    expect(image).toMatchObject({ Name: 'copy', Tags, BlockDeviceMappings: [{ Ebs: { Encrypted: true } }] });
    expect(snapshots.Snapshots).toHaveLength(1);
  });

  it('is the same one for the same client token', async () => {
    const cloud = await open();

    const ids = [await copy(cloud, { ClientToken: 'x' }), await copy(cloud, { ClientToken: 'x' }), await copy(cloud)];

    expect(new Set(ids).size).toBe(2);
    expect(ids[0]).toBe(ids[1]);
  });

  it('needs an image to copy', async () => {
    const cloud = await open();

    await expect(copy(cloud, { SourceImageId: 'ami-0123456789abcdef0' })).rejects.toMatchObject({
      name: 'InvalidAMIID.NotFound',
    });
  });
});

describe('images and snapshots', () => {
  it('take tags and lose them, a value that does not match excepted', async () => {
    const cloud = await open();
    const snapshot = (await look(cloud, cloud.imageId))?.BlockDeviceMappings?.[0]?.Ebs?.SnapshotId ?? '';
    const Resources = [cloud.imageId, snapshot];
    const change = (Key: string, Value: string) => ({ Resources, Tags: [{ Key, Value }] });

    await cloud.ec2.send(new CreateTagsCommand(change('keep', 'published')));
    await cloud.ec2.send(new CreateTagsCommand(change('seen', '1')));
    await cloud.ec2.send(new DeleteTagsCommand(change('keep', 'true')));
    await cloud.ec2.send(new DeleteTagsCommand(change('seen', '1')));

    expect((await look(cloud, cloud.imageId))?.Tags).toEqual([{ Key: 'keep', Value: 'published' }]);
    expect((await cloud.ec2.send(new DescribeSnapshotsCommand({ SnapshotIds: [snapshot] }))).Snapshots).toMatchObject([
      { Tags: [{ Key: 'keep', Value: 'published' }] },
    ]);
  });

  it('are listed by their owner', async () => {
    const cloud = await open();
    const owned = async (owner: string) =>
      (await cloud.ec2.send(new DescribeImagesCommand({ Owners: [owner] }))).Images ?? [];

    expect(await owned('self')).toHaveLength(1);
    expect(await owned('137112412989')).toEqual([]);
  });

  it('refuse a tag where one of the ids does not exist, and tag none', async () => {
    const cloud = await open();
    const Resources = [cloud.imageId, 'snap-0123456789abcdef0'];

    const tag = cloud.ec2.send(new CreateTagsCommand({ Resources, Tags: [{ Key: 'a', Value: 'b' }] }));

    await expect(tag).rejects.toMatchObject({ name: 'InvalidSnapshot.NotFound' });
    expect((await look(cloud, cloud.imageId))?.Tags ?? []).toEqual([]);
  });
});
