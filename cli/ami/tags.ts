import { CreateTagsCommand, DeleteTagsCommand, type EC2Client } from '@aws-sdk/client-ec2';
import { type Image, KEPT_AS_PUBLISHED, TAG } from '#contract';
import type { MachineImage } from './image.ts';

/** Where a copy comes from: `<region>:<image>`. */
export const COPIED_FROM = 'carrierarr:copied-from';

export const isMarked = ({ tags }: MachineImage): boolean => tags[TAG.keep] === KEPT_AS_PUBLISHED;

/** What an image of the fleet must carry and this one does not. */
const missing = (image: MachineImage, wanted: Readonly<Record<string, string>>) =>
  Object.entries(wanted)
    .filter(([key]) => image.tags[key] === undefined)
    .map(([Key, Value]) => ({ Key, Value }));

/**
 * Makes an image the fleet's: by these tags the list finds it, and neither lifecycle nor prune touch it while it is
 * published. What somebody has tagged before stays as it is.
 */
export const claimImage = async (ec2: EC2Client, image: MachineImage, fleet: string, role: Image): Promise<void> => {
  const belonging = missing(image, { [TAG.fleet]: fleet, [TAG.image]: role });
  // Snapshots are told by the same tags once their image is gone.
  if (belonging.length > 0 && image.snapshotIds.length > 0) {
    await ec2.send(new CreateTagsCommand({ Resources: [...image.snapshotIds], Tags: belonging }));
  }
  const Tags = [...belonging, ...missing(image, { [TAG.keep]: KEPT_AS_PUBLISHED })];
  if (Tags.length > 0) await ec2.send(new CreateTagsCommand({ Resources: [image.id], Tags }));
};

/** Takes the command's own mark away; EC2 leaves a tag alone that has another value by now. */
export const unmarkImage = async (ec2: EC2Client, id: string): Promise<void> => {
  await ec2.send(new DeleteTagsCommand({ Resources: [id], Tags: [{ Key: TAG.keep, Value: KEPT_AS_PUBLISHED }] }));
};
