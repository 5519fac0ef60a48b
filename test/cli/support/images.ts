import type { Image as Ec2Image } from '@aws-sdk/client-ec2';
import type { HeldImage } from '../../../cli/ami/inventory.ts';
import { NOW } from './builders.ts';

const DAY = 24 * 60 * 60 * 1000;

export const daysAgo = (days: number): Date => new Date(NOW.getTime() - days * DAY);

/** An image as EC2 describes it; id and snapshot have the same last part. */
export const anEc2Image = (
  part: string,
  tags: Readonly<Record<string, string>> = {},
  overrides: Partial<Ec2Image> = {},
): Ec2Image => ({
  ImageId: `ami-00000000${part}`,
  Name: `catalyst-gpu-worker-${part}`,
  State: 'available',
  Architecture: 'x86_64',
  CreationDate: daysAgo(10).toISOString(),
  BlockDeviceMappings: [{ DeviceName: '/dev/xvda', Ebs: { SnapshotId: `snap-${part}`, VolumeSize: 40 } }],
  Tags: Object.entries({ 'carrierarr:image': 'gpu-worker', ...tags }).map(([Key, Value]) => ({ Key, Value })),
  ...overrides,
});

/** An image of the fleet, unused, ten days old. */
export const aHeldImage = (overrides: Partial<HeldImage> = {}): HeldImage => ({
  id: 'ami-00000000a',
  name: 'catalyst-gpu-worker-a',
  image: 'gpu-worker',
  fleet: 'carrierarr',
  state: 'available',
  stateReason: '',
  createdAt: daysAgo(10),
  architecture: 'x86_64',
  snapshotIds: ['snap-a'],
  volumeGib: 40,
  tags: { 'carrierarr:image': 'gpu-worker', 'carrierarr:fleet': 'carrierarr' },
  snapshotGib: 20,
  usedBy: [],
  publishedAs: [],
  ...overrides,
});
