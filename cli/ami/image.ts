import { type EC2Client, type Image as Ec2Image, paginateDescribeImages } from '@aws-sdk/client-ec2';
import { Image, TAG } from '#contract';

/** A machine image of this account. */
export interface MachineImage {
  readonly id: string;
  readonly name: string;
  /** Which of our images it is, as its tag says. */
  readonly image: Image | undefined;
  /** The fleet it belongs to; undefined until it is published, where Packer made it. */
  readonly fleet: string | undefined;
  /** pending, available, disabled, failed, … */
  readonly state: string;
  readonly stateReason: string;
  readonly createdAt: Date;
  readonly architecture: string;
  readonly snapshotIds: readonly string[];
  /** GiB that its disks will have. */
  readonly volumeGib: number;
  readonly tags: Readonly<Record<string, string>>;
}

const tagsOf = ({ Tags = [] }: Ec2Image): Record<string, string> =>
  Object.fromEntries(Tags.map(({ Key = '', Value = '' }) => [Key, Value]));

const asImage = (found: Ec2Image): MachineImage => {
  const tags = tagsOf(found);
  const disks = (found.BlockDeviceMappings ?? []).flatMap(({ Ebs }) => Ebs ?? []);
  return {
    id: found.ImageId ?? '',
    name: found.Name ?? '',
    image: Image.safeParse(tags[TAG.image]).data,
    fleet: tags[TAG.fleet],
    state: found.State ?? 'unknown',
    stateReason: found.StateReason?.Message ?? '',
    createdAt: new Date(found.CreationDate ?? 0),
    architecture: found.Architecture ?? '',
    snapshotIds: disks.flatMap(({ SnapshotId }) => SnapshotId ?? []),
    volumeGib: disks.reduce((sum, { VolumeSize = 0 }) => sum + VolumeSize, 0),
    tags,
  };
};

/** By filter and not by id: an id that does not exist is no error then. */
const describe = async (
  ec2: EC2Client,
  filter: { readonly Name: string; readonly Values: string[] },
  owners: string[] | undefined,
): Promise<MachineImage[]> => {
  const images: MachineImage[] = [];
  const input = {
    Filters: [filter],
    IncludeDeprecated: true,
    IncludeDisabled: true,
    ...(owners === undefined ? {} : { Owners: owners }),
  };
  for await (const { Images = [] } of paginateDescribeImages({ client: ec2 }, input)) {
    images.push(...Images.map(asImage));
  }
  return images;
};

const OURS = ['self'];

/** One image of this account. */
export const findImage = async (ec2: EC2Client, id: string): Promise<MachineImage | undefined> =>
  (await describe(ec2, { Name: 'image-id', Values: [id] }, OURS))[0];

/** Whether it exists at all, whoever owns it. */
export const existsAnywhere = async (ec2: EC2Client, id: string): Promise<boolean> =>
  (await describe(ec2, { Name: 'image-id', Values: [id] }, undefined)).length > 0;

/** Images of this account with such a tag. */
export const findTagged = (ec2: EC2Client, key: string, value: string): Promise<MachineImage[]> =>
  describe(ec2, { Name: `tag:${key}`, Values: [value] }, OURS);

const newestFirst = (a: MachineImage, b: MachineImage): number => b.createdAt.getTime() - a.createdAt.getTime();

/**
 * Every image the fleet has a say in, newest first: its own, those that no fleet has published yet, and those that its
 * parameters name whatever their tags.
 */
export const listImages = async (
  ec2: EC2Client,
  fleet: string,
  published: readonly string[],
): Promise<MachineImage[]> => {
  const [tagged, named] = await Promise.all([
    describe(ec2, { Name: 'tag-key', Values: [TAG.image] }, OURS),
    published.length === 0 ? [] : describe(ec2, { Name: 'image-id', Values: [...published] }, OURS),
  ]);
  const mine = tagged.filter((image) => image.fleet === undefined || image.fleet === fleet);
  const others = named.filter(({ id }) => !mine.some((image) => image.id === id));
  return [...mine, ...others].sort(newestFirst);
};
