import { DescribeImagesCommand, type EC2Client, type Image } from '@aws-sdk/client-ec2';
import { GetParameterCommand, ParameterNotFound, type SSMClient } from '@aws-sdk/client-ssm';
import { type FleetSettings, launchImageParameter, type Role } from '#contract';
import { dollarsPerMonth, gibOf, takeInventory } from '../ami/inventory.ts';
import { dollarsText, gibText } from '../ami/render.ts';
import { type Finding, fail, ok, warn } from './finding.ts';

const readParameter = async (ssm: SSMClient, Name: string): Promise<string | undefined> => {
  try {
    return (await ssm.send(new GetParameterCommand({ Name }))).Parameter?.Value;
  } catch (error) {
    if (error instanceof ParameterNotFound) return undefined;
    throw error;
  }
};

const describe = async (ec2: EC2Client, id: string): Promise<Image | undefined> => {
  try {
    const { Images } = await ec2.send(new DescribeImagesCommand({ ImageIds: [id] }));
    return Images?.[0];
  } catch (error) {
    if (error instanceof Error && /^InvalidAMIID/.test(error.name)) return undefined;
    throw error;
  }
};

const DAY = 24 * 60 * 60 * 1000;
/** Amazon deprecates its own images at this age; by then kernel and libraries have known holes. */
const OLD_DAYS = 90;

const ageOf = ({ CreationDate }: Image, now: Date): number =>
  CreationDate === undefined ? 0 : Math.floor((now.getTime() - Date.parse(CreationDate)) / DAY);

/** Where the clients look, and as when. */
export interface ImageScope {
  readonly ssm: SSMClient;
  readonly ec2: EC2Client;
  readonly settings: FleetSettings;
  readonly region: string;
  readonly now: Date;
}

/** Two ways to an image of the fleet's; one to Amazon's own. */
const remedyFor = ({ settings, region }: ImageScope, role: Role): string =>
  settings.nodes.start === 'plain'
    ? `Amazon's own parameter must be readable in ${region}: check the rights (ssm:GetParameter) and the region`
    : `build one: \`carrierarr ami build ${role}\`; or with Packer: \`npm run ami:${role}\`, then \`carrierarr ami publish --manifest ami/manifest-${role}.json\``;

const judge = (id: string, image: Image, scope: ImageScope, role: Role): Finding => {
  const check = `image ${role}`;
  if (image.State !== 'available') return fail(check, `${id} is ${image.State}`, remedyFor(scope, role));
  const plain = scope.settings.nodes.start === 'plain' ? ' (plain: Amazon Linux, installed at each start)' : '';
  const age = ageOf(image, scope.now);
  if (age <= OLD_DAYS || plain !== '') return ok(check, `${id} is available${plain}`);
  return warn(
    check,
    `${id} is ${age} days old: known holes in its kernel and libraries stay open`,
    `build it anew: \`carrierarr ami build ${role}\``,
  );
};

/** What a role's workers start from exists in this region (ids are regional), can be launched and is not too old. */
export const checkImage = async (scope: ImageScope, role: Role): Promise<Finding[]> => {
  const { ssm, ec2, settings, region } = scope;
  const check = `image ${role}`;
  const parameter = launchImageParameter(settings.fleet, role, settings.nodes.start);
  const id = await readParameter(ssm, parameter);
  if (id === undefined) return [fail(check, `parameter ${parameter} does not exist`, remedyFor(scope, role))];
  const image = await describe(ec2, id);
  if (image === undefined) return [fail(check, `${id} does not exist in ${region}`, remedyFor(scope, role))];
  return [judge(id, image, scope, role)];
};

/** A bill that nobody would notice for a year. */
const NOTICEABLE_DOLLARS = 10;

/** What the images that are kept cost. */
export const checkImageCosts = async ({ ssm, ec2, settings, region }: ImageScope): Promise<Finding[]> => {
  const images = await takeInventory({ fleet: settings.fleet, region, ec2, ssm });
  const gib = gibOf(images);
  const detail = `${images.length} kept, ${gibText(gib)} GiB, at most ${dollarsText(gib)} a month`;
  return [
    dollarsPerMonth(gib) < NOTICEABLE_DOLLARS
      ? ok('images', detail)
      : warn('images', detail, 'see which may go: `carrierarr ami prune`'),
  ];
};
