import type { EC2Client } from '@aws-sdk/client-ec2';
import { type Role, Role as Roles, TAG } from '#contract';
import { CommandError } from '../errors.ts';
import { EXIT } from '../exit-codes.ts';
import { existsAnywhere, findImage, type MachineImage } from './image.ts';

export interface Candidate {
  readonly id: string;
  readonly region: string;
  /** As the command line or Packer's manifest says. */
  readonly role: Role | undefined;
  readonly fleet: string;
  /** Publish it although it says that it is another image. */
  readonly force: boolean;
}

const refuse = (what: string, got: string, remedy: string): CommandError =>
  new CommandError(EXIT.usage, { what, got, remedy });

/** @throws CommandError when the account has no such image there */
const find = async (ec2: EC2Client, { id, region }: Candidate): Promise<MachineImage> => {
  const found = await findImage(ec2, id);
  if (found !== undefined) return found;
  if (await existsAnywhere(ec2, id)) {
    throw refuse(
      `${id} belongs to another account`,
      'only images of this account can be published: whoever owns it may take it away',
      'copy it into this account first (aws ec2 copy-image), then publish the copy',
    );
  }
  throw new CommandError(EXIT.notFound, {
    what: `there is no image ${id} in ${region}`,
    remedy: 'ids are regional: say with --from in which region it is',
  });
};

const refuseState = ({ id, state, stateReason }: MachineImage): void => {
  if (state === 'available' || state === 'pending') return;
  throw refuse(`${id} cannot be launched`, `${state}${stateReason && `: ${stateReason}`}`, 'build it again');
};

const refuseArchitecture = ({ id, architecture }: MachineImage): void => {
  if (architecture === 'x86_64') return;
  throw refuse(`${id} is for another processor`, architecture, 'build it for x86_64, as the instance types are');
};

const refuseFleet = ({ id, fleet }: MachineImage, candidate: Candidate): void => {
  if (fleet === undefined || fleet === candidate.fleet) return;
  throw new CommandError(EXIT.conflict, {
    what: `${id} belongs to the fleet ${fleet}, whose prune would not know that this one needs it`,
    remedy: `build one for this fleet, or copy it without its tag ${TAG.fleet}`,
  });
};

/** What it is published as: what was asked for, as long as the image does not say that it is something else. */
const roleOf = (image: MachineImage, { role, force }: Candidate): Role => {
  const tagged = Roles.safeParse(image.image).data;
  const wanted = role ?? tagged;
  const says = image.image ?? `no tag ${TAG.image}`;
  if (image.image === 'base' && !force) {
    throw refuse(`${image.id} is no image that workers boot`, says, 'publish one for lighthouse or gpu-worker');
  }
  if (wanted === undefined) {
    throw refuse(`${image.id} does not say which role it is for`, says, 'say it with --role lighthouse or gpu-worker');
  }
  if (tagged === wanted || force) return wanted;
  throw refuse(
    `${image.id} is no image for ${wanted}`,
    says,
    image.image === undefined
      ? 'if you know that it is: add --force'
      : `publish it for its own role, or build one: carrierarr ami build ${wanted}`,
  );
};

/**
 * Looks at an image before anything is copied, tagged or written.
 * @throws CommandError
 */
export const judgeImage = async (
  ec2: EC2Client,
  candidate: Candidate,
): Promise<{ image: MachineImage; role: Role }> => {
  const image = await find(ec2, candidate);
  refuseState(image);
  refuseArchitecture(image);
  refuseFleet(image, candidate);
  return { image, role: roleOf(image, candidate) };
};
