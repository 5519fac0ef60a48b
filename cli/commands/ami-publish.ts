import type { EC2Client } from '@aws-sdk/client-ec2';
import type { Command } from 'commander';
import type { Role } from '#contract';
import type { AmiDoors } from '../ami/inventory.ts';
import type { Published } from '../ami/publish.ts';
import { CommandError } from '../errors.ts';
import { EXIT } from '../exit-codes.ts';
import { wantsJson } from '../fleet.ts';
import type { Io } from '../io.ts';
import { formatAge } from '../render/duration.ts';
import { paint } from '../render/output.ts';

interface PublishOptions {
  readonly role?: string;
  readonly from?: string;
  readonly manifest?: string;
  readonly force?: boolean;
}

interface Wanted {
  readonly id: string;
  /** Undefined: the fleet's own. */
  readonly region: string | undefined;
  readonly role: Role | undefined;
}

const usage = (what: string, remedy: string): CommandError => new CommandError(EXIT.usage, { what, remedy });

const readFrom = (text: string | undefined): string | undefined => {
  if (text === undefined || /^[a-z]{2}(-[a-z]+)+-[0-9]$/.test(text)) return text;
  throw usage(`--from is no region: ${text}`, 'give a region such as us-east-1');
};

const readManifestFile = async (file: string, preferred: string, role: Role | undefined): Promise<Wanted> => {
  const [{ readManifest }, { Role: Roles }] = await Promise.all([import('../ami/manifest.ts'), import('#contract')]);
  const made = await readManifest(file, preferred);
  return { id: made.id, region: made.region, role: role ?? Roles.safeParse(made.image).data };
};

/** Checked before anything is asked of AWS, but for the region: which of a manifest's is best, only the fleet knows. */
const readWanted = async (
  id: string | undefined,
  options: PublishOptions,
): Promise<(region: string) => Promise<Wanted>> => {
  const { readImageId, readRole } = await import('../ami/read-image.ts');
  const role = options.role === undefined ? undefined : readRole(options.role);
  const region = readFrom(options.from);
  const { manifest } = options;
  if (id !== undefined && manifest === undefined) {
    const wanted = { id: readImageId(id), region, role };
    return async () => wanted;
  }
  if (id !== undefined || manifest === undefined || region !== undefined) {
    throw usage(
      'one image must be named',
      "give the id of an AMI (and --from, where it is in another region), or Packer's --manifest, which says both",
    );
  }
  return (preferred) => readManifestFile(manifest, preferred, role);
};

const clientIn = async (region: string, doors: AmiDoors): Promise<EC2Client> => {
  if (region === doors.region) return doors.ec2;
  const [{ EC2Client }, { clientSettings }] = await Promise.all([
    import('@aws-sdk/client-ec2'),
    import('../doors/clients.ts'),
  ]);
  return new EC2Client(clientSettings(region));
};

const report = (published: Published, region: string, json: boolean, io: Io): void => {
  const { amiId, role, parameter, replaces, copiedFrom } = published;
  if (json) {
    const before = replaces === undefined ? null : replaces.id;
    const result = {
      event: 'result',
      amiId,
      role,
      parameter,
      region,
      replaces: before,
      copiedFrom: copiedFrom ?? null,
    };
    io.out.write(`${JSON.stringify(result)}\n`);
    return;
  }
  io.out.write(`${paint(io.out, 'green', 'published')} ${amiId} as ${role} in ${region}: ${parameter}\n`);
  if (replaces === undefined) return;
  const age =
    replaces.createdAt === undefined
      ? 'which does not exist any more'
      : `${formatAge(io.now().getTime() - replaces.createdAt.getTime())} old`;
  io.out.write(`  replaces ${replaces.id}, ${age}\n`);
};

const NOTICE = 'a copy that has begun goes on by itself.\n  the same command again waits for it and publishes it.';

const publish = async (id: string | undefined, options: PublishOptions, command: Command, io: Io): Promise<void> => {
  const locate = await readWanted(id, options);
  const [{ openAmiDoors }, { judgeImage }, { publishImage }] = await Promise.all([
    import('../ami/open-doors.ts'),
    import('../ami/judge.ts'),
    import('../ami/publish.ts'),
  ]);
  const { fleet, doors } = await openAmiDoors(command, io);
  const wanted = await locate(doors.region);
  const region = wanted.region ?? doors.region;
  const { image, role } = await judgeImage(await clientIn(region, doors), {
    ...wanted,
    region,
    fleet: fleet.name,
    force: options.force === true,
  });
  io.interruption.notice = NOTICE;
  const json = wantsJson(command);
  const published = await publishImage(doors, { image, role, region }, io, json);
  report(published, doors.region, json, io);
  if (fleet.outputs.settings().nodes.start === 'plain') {
    io.err.write('the fleet starts its nodes plain (nodes.start): they boot no image until that is changed\n');
  }
};

export const registerAmiPublish = (ami: Command, io: Io): void => {
  ami
    .command('publish')
    .summary("make an image the one that a role's workers boot")
    .description(
      "Writes an image's id to the parameter that workers boot from: what Packer has made, or an older one again. Copies\n" +
        "it into the fleet's region first where it is in another. Safe to repeat.",
    )
    .argument('[ami-id]', 'the image')
    .option('--role <role>', 'lighthouse or gpu-worker (default: what the image says)')
    .option('--from <region>', "where the image is (default: the fleet's region)")
    .option('--manifest <file>', "take image, region and role from Packer's manifest")
    .option('--force', 'publish it although its tag says another role, or none')
    .addHelpText(
      'after',
      '\nExamples:\n  $ carrierarr ami publish --manifest ami/manifest-gpu-worker.json\n' +
        '  $ carrierarr ami publish ami-0f24e5b7febd29ea3 --from us-east-1',
    )
    .action((id: string | undefined, options: PublishOptions, command: Command) => publish(id, options, command, io));
};
