import { CopyImageCommand, type EC2Client } from '@aws-sdk/client-ec2';
import { type Role, TAG } from '#contract';
import { CommandError } from '../errors.ts';
import { EXIT } from '../exit-codes.ts';
import type { Io } from '../io.ts';
import { formatElapsed } from '../render/duration.ts';
import { pause } from './board.ts';
import { findImage, findTagged, type MachineImage } from './image.ts';
import { COPIED_FROM } from './tags.ts';

export interface CopyRequest {
  readonly source: MachineImage;
  readonly region: string;
  readonly fleet: string;
  readonly role: Role;
  readonly now: Date;
}

const HOUR = 60 * 60 * 1000;

/** Tags of the copy: the source's own, whose it is, and where it comes from. Keeping is decided anew. */
const tagsOf = ({ source, region, fleet, role }: CopyRequest) => {
  const { [TAG.keep]: _kept, ...own } = source.tags;
  const copied = Object.entries(own).filter(([key]) => !key.startsWith('aws:'));
  const tags = {
    [TAG.image]: role,
    ...Object.fromEntries(copied),
    [TAG.fleet]: fleet,
    [COPIED_FROM]: `${region}:${source.id}`,
  };
  return Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
};

const nameIsTaken = (name: string, error: Error): CommandError =>
  new CommandError(EXIT.conflict, {
    what: `there is another image of the name ${name} in the fleet's region`,
    got: error.message,
    remedy: 'if it is the same, publish that one by its id (carrierarr ami list); otherwise deregister it first',
    cause: error,
  });

/**
 * Starts the copy into the fleet's region, or finds the one that an earlier command has started. Encrypted, whatever
 * the source is: a snapshot that could be read by whoever it is shared with is of no use to anybody.
 */
export const copyImage = async (ec2: EC2Client, request: CopyRequest): Promise<string> => {
  const { source, region, now } = request;
  const earlier = await findTagged(ec2, COPIED_FROM, `${region}:${source.id}`);
  const usable = earlier.find(({ state }) => state === 'available' || state === 'pending');
  if (usable !== undefined) return usable.id;
  const Tags = tagsOf(request);
  const command = new CopyImageCommand({
    Name: source.name,
    SourceImageId: source.id,
    SourceRegion: region,
    Encrypted: true,
    // Two commands at once make one copy; a copy that has failed or gone is made again an hour later at the latest.
    ClientToken: `${source.id}-${Math.floor(now.getTime() / HOUR).toString(36)}-${earlier.length}`,
    TagSpecifications: [
      { ResourceType: 'image', Tags },
      { ResourceType: 'snapshot', Tags },
    ],
  });
  try {
    return (await ec2.send(command)).ImageId ?? '';
  } catch (error) {
    throw error instanceof Error && error.name === 'InvalidAMIName.Duplicate' ? nameIsTaken(source.name, error) : error;
  }
};

/** Tens of gigabytes to another continent. */
const LIMIT_MILLISECONDS = 2 * HOUR;
/** What was just made may be missing from a list for some seconds. */
const INVISIBLE_LOOKS = 12;

/**
 * Waits until an image can be launched.
 * @throws CommandError (failed) when it never can
 */
export const awaitImage = async (ec2: EC2Client, id: string, io: Io): Promise<MachineImage> => {
  const begin = io.now().getTime();
  for (let look = 1; ; look++) {
    const image = await findImage(ec2, id);
    if (image?.state === 'available') return image;
    const elapsed = io.now().getTime() - begin;
    const pending = image === undefined ? look < INVISIBLE_LOOKS : image.state === 'pending';
    if (!pending || elapsed > LIMIT_MILLISECONDS) {
      throw new CommandError(EXIT.failed, {
        what: `${id} did not become available`,
        got: image === undefined ? 'it is gone' : `${image.state} after ${formatElapsed(elapsed)} ${image.stateReason}`,
        remedy: 'publish it again: a copy that goes on is found, one that has failed is made anew',
      });
    }
    await pause(io);
  }
};
