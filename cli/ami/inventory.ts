import { type EC2Client, paginateDescribeSnapshots } from '@aws-sdk/client-ec2';
import type { SSMClient } from '@aws-sdk/client-ssm';
import type { Image } from '#contract';
import { listImages, type MachineImage } from './image.ts';
import { readImageParameters } from './parameters.ts';
import { findReferences } from './references.ts';

/** Clients of the fleet's region, and which fleet. */
export interface AmiDoors {
  readonly fleet: string;
  readonly region: string;
  readonly ec2: EC2Client;
  readonly ssm: SSMClient;
}

/** An image with what it costs and who needs it. */
export interface HeldImage extends MachineImage {
  /** GiB that its snapshots are billed for, at most. */
  readonly snapshotGib: number;
  /** What refers to it, in words. */
  readonly usedBy: readonly string[];
  /** The parameters that name it. */
  readonly publishedAs: readonly Image[];
}

/** EBS Snapshots, standard tier, in most regions. */
const DOLLARS_PER_GIB_MONTH = 0.05;

export const dollarsPerMonth = (gib: number): number => gib * DOLLARS_PER_GIB_MONTH;

export const gibOf = (images: readonly HeldImage[]): number => images.reduce((sum, one) => sum + one.snapshotGib, 0);

const GIB = 2 ** 30;
const HUNDRED = 100;

/** What a snapshot holds; where EC2 does not say it, the whole disk: it can only be less. */
const snapshotSizes = async (ec2: EC2Client, ids: readonly string[]): Promise<ReadonlyMap<string, number>> => {
  const sizes = new Map<string, number>();
  if (ids.length === 0) return sizes;
  for (let at = 0; at < ids.length; at += HUNDRED) {
    const Filters = [{ Name: 'snapshot-id', Values: ids.slice(at, at + HUNDRED) }];
    for await (const { Snapshots = [] } of paginateDescribeSnapshots(
      { client: ec2 },
      { OwnerIds: ['self'], Filters },
    )) {
      for (const { SnapshotId = '', FullSnapshotSizeInBytes, VolumeSize = 0 } of Snapshots) {
        sizes.set(SnapshotId, FullSnapshotSizeInBytes === undefined ? VolumeSize : FullSnapshotSizeInBytes / GIB);
      }
    }
  }
  return sizes;
};

/** Every image the fleet has a say in, newest first, with its costs and its users. */
export const takeInventory = async ({ fleet, ec2, ssm }: AmiDoors): Promise<HeldImage[]> => {
  const published = await readImageParameters(ssm, fleet);
  const images = await listImages(ec2, fleet, [...new Set(published.values())]);
  const [sizes, references] = await Promise.all([
    snapshotSizes(
      ec2,
      images.flatMap(({ snapshotIds }) => snapshotIds),
    ),
    findReferences(
      ec2,
      fleet,
      images.map(({ id }) => id),
      published,
    ),
  ]);
  return images.map((image) => ({
    ...image,
    snapshotGib: image.snapshotIds.reduce((sum, id) => sum + (sizes.get(id) ?? 0), 0),
    usedBy: references.get(image.id) ?? [],
    publishedAs: [...published].flatMap(([role, id]) => (id === image.id ? [role] : [])),
  }));
};
