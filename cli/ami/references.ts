import {
  type EC2Client,
  paginateDescribeInstances,
  paginateDescribeLaunchTemplates,
  paginateDescribeLaunchTemplateVersions,
} from '@aws-sdk/client-ec2';
import { type Image, parameterName, TAG } from '#contract';
import { PRESENT_STATES } from '#shared/aws/ec2-port.ts';

/** What refers to images, in words, by image id. */
export type References = ReadonlyMap<string, readonly string[]>;

/** Values of one filter. */
const MOST_VALUES = 200;

const chunks = <T>(items: readonly T[], size: number): T[][] =>
  Array.from({ length: Math.ceil(items.length / size) }, (_, at) => items.slice(at * size, (at + 1) * size));

type Found = readonly [id: string, words: string];

/**
 * Machines of anybody in the account, stopped ones too: they start from their disk, but are looked up by their image.
 */
const instances = async (ec2: EC2Client, fleet: string, ids: string[]): Promise<Found[]> => {
  const found: Found[] = [];
  const Filters = [
    { Name: 'image-id', Values: ids },
    { Name: 'instance-state-name', Values: [...PRESENT_STATES] },
  ];
  for await (const { Reservations = [] } of paginateDescribeInstances({ client: ec2 }, { Filters })) {
    for (const { ImageId = '', InstanceId = '', Tags = [] } of Reservations.flatMap(
      ({ Instances }) => Instances ?? [],
    )) {
      const tag = (key: string): string | undefined => Tags.find(({ Key }) => Key === key)?.Value;
      const worker = tag(TAG.fleet) === fleet ? tag(TAG.worker) : undefined;
      found.push([ImageId, worker === undefined ? `instance ${InstanceId}` : `worker ${worker}`]);
    }
  }
  return found;
};

const versionsOf = async (ec2: EC2Client, template: { id: string; name: string }, ids: string[]): Promise<Found[]> => {
  const found: Found[] = [];
  const input = { LaunchTemplateId: template.id, Filters: [{ Name: 'image-id', Values: ids }] };
  const pages = paginateDescribeLaunchTemplateVersions({ client: ec2 }, input);
  for await (const { LaunchTemplateVersions = [] } of pages) {
    for (const { LaunchTemplateData, VersionNumber } of LaunchTemplateVersions) {
      const id = LaunchTemplateData?.ImageId ?? '';
      if (ids.includes(id)) found.push([id, `launch template ${template.name} version ${VersionNumber}`]);
    }
  }
  return found;
};

/**
 * Every version: a group may be pinned to an old one. One after the other: an account has few, and others ask as well.
 */
const launchTemplates = async (ec2: EC2Client, ids: string[]): Promise<Found[]> => {
  const templates: { id: string; name: string }[] = [];
  for await (const { LaunchTemplates = [] } of paginateDescribeLaunchTemplates({ client: ec2 }, {})) {
    for (const { LaunchTemplateId: id = '', LaunchTemplateName: name = '' } of LaunchTemplates) {
      templates.push({ id, name });
    }
  }
  const found: Found[] = [];
  for (const template of templates) found.push(...(await versionsOf(ec2, template, ids)));
  return found;
};

/** Everything in the account that would miss one of these images. */
export const findReferences = async (
  ec2: EC2Client,
  fleet: string,
  ids: readonly string[],
  published: ReadonlyMap<Image, string>,
): Promise<References> => {
  const parameters = [...published].map(([image, id]): Found => [id, `parameter ${parameterName.ami(fleet, image)}`]);
  const asked = await Promise.all(
    chunks(ids, MOST_VALUES).flatMap((some) => [instances(ec2, fleet, some), launchTemplates(ec2, some)]),
  );
  const words = new Map<string, string[]>();
  for (const [id, text] of [...parameters, ...asked.flat()]) words.set(id, [...(words.get(id) ?? []), text]);
  return words;
};
