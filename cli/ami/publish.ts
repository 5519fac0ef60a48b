import type { EC2Client } from '@aws-sdk/client-ec2';
import { parameterName, type Role, TAG } from '#contract';
import type { Io } from '../io.ts';
import { openBoard } from './board.ts';
import { awaitImage, copyImage } from './copy.ts';
import { findImage, findTagged, type MachineImage } from './image.ts';
import type { AmiDoors } from './inventory.ts';
import { readImageParameters, writeImageParameter } from './parameters.ts';
import { claimImage, isMarked, unmarkImage } from './tags.ts';

export interface Publication {
  readonly image: MachineImage;
  readonly role: Role;
  /** Where the image is now. */
  readonly region: string;
}

export interface Published {
  readonly amiId: string;
  readonly role: Role;
  readonly parameter: string;
  /** What the parameter named before; undefined if nothing, or this very image. */
  readonly replaces: { readonly id: string; readonly createdAt: Date | undefined } | undefined;
  readonly copiedFrom: string | undefined;
}

/** The marks of all that are not published any more: a pipeline has replaced some without a word. */
const unmarkOthers = async ({ ec2, ssm, fleet }: AmiDoors, role: Role): Promise<void> => {
  const published = new Set((await readImageParameters(ssm, fleet)).values());
  const mine = await findTagged(ec2, TAG.fleet, fleet);
  const stale = mine.filter((image) => image.image === role && isMarked(image) && !published.has(image.id));
  for (const { id } of stale) await unmarkImage(ec2, id);
};

const describeReplaced = async (
  ec2: EC2Client,
  before: string | undefined,
  id: string,
): Promise<Published['replaces']> =>
  before === undefined || before === id
    ? undefined
    : { id: before, createdAt: (await findImage(ec2, before))?.createdAt };

/**
 * Copies where it must, tags, writes the parameter and reads it back. Every step may be repeated: the same command
 * again goes on where an interrupted one was.
 */
export const publishImage = async (
  doors: AmiDoors,
  publication: Publication,
  io: Io,
  json: boolean,
): Promise<Published> => {
  const { ec2, ssm, fleet, region } = doors;
  const { image: source, role } = publication;
  const board = openBoard([role], io, json);
  const copies = publication.region !== region;
  try {
    let { id } = source;
    if (copies) {
      board.enter(role, 'copy', `Copy from ${publication.region}`);
      id = await copyImage(ec2, { source, region: publication.region, fleet, role, now: io.now() });
    }
    if (copies || source.state === 'pending') board.enter(role, 'available', `Wait for ${id}`);
    const image = copies || source.state === 'pending' ? await awaitImage(ec2, id, io) : source;
    board.enter(role, 'tag', 'Tag it as kept');
    await claimImage(ec2, image, fleet, role);
    board.enter(role, 'parameter', `Write ${parameterName.ami(fleet, role)}`);
    const before = (await readImageParameters(ssm, fleet)).get(role);
    const replaces = await describeReplaced(ec2, before, id);
    if (before !== id) await writeImageParameter(ssm, { fleet, role, id }, io);
    board.enter(role, 'release', 'Let others go');
    await unmarkOthers(doors, role);
    board.end(role, 'done');
    const copiedFrom = copies ? `${publication.region}:${source.id}` : undefined;
    return { amiId: id, role, parameter: parameterName.ami(fleet, role), replaces, copiedFrom };
  } catch (error) {
    // Whoever interrupts has not made it fail.
    if (!io.interruption.signal.aborted) board.end(role, 'failed');
    throw error;
  } finally {
    board.close();
  }
};
