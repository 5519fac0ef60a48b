import {
  DeleteSnapshotCommand,
  DeregisterImageCommand,
  type EC2Client,
  paginateDescribeSnapshots,
} from '@aws-sdk/client-ec2';
import { type Image, TAG } from '#contract';
import { asCommandError } from '../errors.ts';
import type { AmiDoors, HeldImage } from './inventory.ts';
import { readImageParameters } from './parameters.ts';
import type { PruneRules } from './plan-prune.ts';
import { findReferences } from './references.ts';
import { unmarkImage } from './tags.ts';

/** What became of one thing. */
export interface PruneResult {
  readonly kind: 'image' | 'snapshot' | 'mark';
  readonly id: string;
  readonly outcome: 'removed' | 'absent' | 'kept' | 'failed';
  /** Why it was kept after all, or failed. */
  readonly detail: string;
}

const GONE = /^Invalid(AMIID|Snapshot)\.(NotFound|Unavailable)$/;

/** One refusal must not keep the others from being removed. */
const attempt = async (
  kind: PruneResult['kind'],
  id: string,
  remove: () => Promise<PruneResult[]>,
): Promise<PruneResult[]> => {
  try {
    return [{ kind, id, outcome: 'removed', detail: '' }, ...(await remove())];
  } catch (error) {
    if (error instanceof Error && GONE.test(error.name)) return [{ kind, id, outcome: 'absent', detail: '' }];
    const { facts } = asCommandError(error);
    const detail = facts.got === undefined ? facts.what : `${facts.what} (${facts.got})`;
    return [{ kind, id, outcome: 'failed', detail }];
  }
};

const removeSnapshot = (ec2: EC2Client, id: string): Promise<PruneResult[]> =>
  attempt('snapshot', id, async () => {
    await ec2.send(new DeleteSnapshotCommand({ SnapshotId: id }));
    return [];
  });

/** Somebody may have published or launched it since the plan was made. */
const usersNow = async ({ ec2, ssm, fleet }: AmiDoors, id: string): Promise<readonly string[]> =>
  (await findReferences(ec2, fleet, [id], await readImageParameters(ssm, fleet))).get(id) ?? [];

const deregister = (ec2: EC2Client, { id, snapshotIds }: HeldImage): Promise<PruneResult[]> =>
  attempt('image', id, async () => {
    const { DeleteSnapshotResults = [] } = await ec2.send(
      new DeregisterImageCommand({ ImageId: id, DeleteAssociatedSnapshots: true }),
    );
    const codes = new Map(DeleteSnapshotResults.map(({ SnapshotId, ReturnCode }) => [SnapshotId, ReturnCode]));
    const results: PruneResult[] = [];
    for (const snapshot of snapshotIds) {
      if (codes.get(snapshot) === 'success') {
        results.push({ kind: 'snapshot', id: snapshot, outcome: 'removed', detail: '' });
      } else results.push(...(await removeSnapshot(ec2, snapshot)));
    }
    return results;
  });

/**
 * One call for both: a crash between two would leave snapshots that no image leads to any more. What the call does not
 * say it has deleted is tried by itself, for its reason.
 */
export const removeImage = async (doors: AmiDoors, image: HeldImage): Promise<PruneResult[]> => {
  const users = await usersNow(doors, image.id);
  if (users.length > 0) return [{ kind: 'image', id: image.id, outcome: 'kept', detail: users.join(', ') }];
  return deregister(doors.ec2, image);
};

/** The next prune may remove it: whoever has published another image in between has had time to say so. */
export const removeMark = (ec2: EC2Client, { id }: HeldImage): Promise<PruneResult[]> =>
  attempt('mark', id, async () => {
    await unmarkImage(ec2, id);
    return [];
  });

export interface OrphanedSnapshot {
  readonly id: string;
  readonly gib: number;
}

/** Longer than any copy takes: the image of a snapshot is only known by it once it is available. */
const ORPHAN_AGE_MILLISECONDS = 24 * 60 * 60 * 1000;

/** Snapshots of the fleet's images whose image is gone: what an earlier, interrupted prune or another tool has left. */
export const findOrphans = async (
  ec2: EC2Client,
  images: readonly HeldImage[],
  { fleet, image, now }: PruneRules,
): Promise<OrphanedSnapshot[]> => {
  const used = new Set(images.flatMap(({ snapshotIds }) => snapshotIds));
  const orphans: OrphanedSnapshot[] = [];
  const Filters = [
    { Name: `tag:${TAG.fleet}`, Values: [fleet] },
    { Name: 'tag-key', Values: [TAG.image] },
    { Name: 'status', Values: ['completed'] },
  ];
  for await (const { Snapshots = [] } of paginateDescribeSnapshots({ client: ec2 }, { OwnerIds: ['self'], Filters })) {
    for (const { SnapshotId: id = '', StartTime = now, VolumeSize: gib = 0, Tags = [] } of Snapshots) {
      const kind = Tags.find(({ Key }) => Key === TAG.image)?.Value as Image | undefined;
      const kept = Tags.some(({ Key }) => Key === TAG.keep);
      const old = now.getTime() - StartTime.getTime() >= ORPHAN_AGE_MILLISECONDS;
      if (old && !kept && !used.has(id) && (image === undefined || kind === image)) orphans.push({ id, gib });
    }
  }
  return orphans;
};

/** EC2 itself refuses one that an image still uses, whoever's it is. */
export const removeOrphan = (ec2: EC2Client, { id }: OrphanedSnapshot): Promise<PruneResult[]> =>
  removeSnapshot(ec2, id);
