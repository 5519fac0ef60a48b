import type { ImagebuilderClient } from '@aws-sdk/client-imagebuilder';
import type { Command } from 'commander';
import type { Image } from '#contract';
import type { BuildSubject, EndedBuild } from '../ami/follow-build.ts';
import type { PipelineScope } from '../ami/pipelines.ts';
import { isEmbedded } from '../doors/embedded.ts';
import { CommandError } from '../errors.ts';
import { EXIT } from '../exit-codes.ts';
import { type Fleet, openFleet, wantsJson } from '../fleet.ts';
import type { Io } from '../io.ts';
import { paint } from '../render/output.ts';

interface BuildOptions {
  readonly wait: boolean;
  readonly cancel?: boolean;
}

interface Workshop {
  readonly client: ImagebuilderClient;
  readonly fleet: Fleet;
  readonly scope: PipelineScope;
}

const openWorkshop = async (command: Command, io: Io): Promise<Workshop> => {
  if (isEmbedded(io.environment)) {
    throw new CommandError(EXIT.setup, {
      what: 'the embedded cloud builds no images',
      remedy: 'its workers need none; unset AWS_ENDPOINT_URL to build on AWS',
    });
  }
  const [fleet, { ImagebuilderClient }, { clientSettings }] = await Promise.all([
    openFleet(command, io),
    import('@aws-sdk/client-imagebuilder'),
    import('../doors/clients.ts'),
  ]);
  const scope = { fleet: fleet.name, neighbour: fleet.outputs.get('provisionStateMachine') };
  return { client: new ImagebuilderClient(clientSettings(fleet.region)), fleet, scope };
};

const logGroupOf = async ({ fleet }: Workshop, image: Image): Promise<string> => {
  const { imageLogGroupName } = await import('#contract');
  return imageLogGroupName(fleet.name, image);
};

const tailCommand = (group: string, { fleet }: Workshop, words: string): string =>
  `aws logs tail ${group} ${words} --region ${fleet.region}`;

/** The console's own way of writing slashes: percent-encoded twice, with a dollar sign for the percent sign. */
const consoleLink = (group: string, { fleet: { region } }: Workshop): string =>
  `https://${region}.console.aws.amazon.com/cloudwatch/home?region=${region}#logsV2:log-groups/log-group/${group.replaceAll('/', '$252F')}`;

const announce = async (shop: Workshop, { image, arn }: BuildSubject, again: boolean, json: boolean, io: Io) => {
  const group = await logGroupOf(shop, image);
  const console = consoleLink(group, shop);
  if (json) {
    io.out.write(
      `${JSON.stringify({ event: 'started', image, build: arn, already: again, logGroup: group, console })}\n`,
    );
    return;
  }
  const verb = again ? 'Already building' : 'Building';
  io.out.write(`${verb} ${paint(io.out, 'bold', image)}\n`);
  io.out.write(`  build  ${arn}\n  logs   ${tailCommand(group, shop, '--follow')}\n         ${console}\n`);
};

/** A build that is under way is followed: a second one would cost an hour of a machine and make the same. */
const begin = async (shop: Workshop, image: Image, json: boolean, io: Io): Promise<BuildSubject> => {
  const { findRunning, startBuild } = await import('../ami/pipelines.ts');
  const running = await findRunning(shop.client, shop.scope, image);
  const subject = { image, arn: running ?? (await startBuild(shop.client, shop.scope, image)) };
  await announce(shop, subject, running !== undefined, json, io);
  return subject;
};

const cancel = async (shop: Workshop, images: readonly Image[], json: boolean, io: Io): Promise<void> => {
  const { cancelBuild, findRunning } = await import('../ami/pipelines.ts');
  for (const image of images) {
    const build = await findRunning(shop.client, shop.scope, image);
    if (build !== undefined) await cancelBuild(shop.client, build);
    if (json) io.out.write(`${JSON.stringify({ event: 'cancelled', image, build: build ?? null })}\n`);
    else io.out.write(build === undefined ? `no build of ${image} is running\n` : `cancelled ${image}: ${build}\n`);
  }
};

const conclude = ({ image, arn, build }: EndedBuild, json: boolean, io: Io): void => {
  const { status, reason, amiId } = build;
  if (json) {
    io.out.write(`${JSON.stringify({ event: 'result', image, build: arn, status, amiId: amiId ?? null, reason })}\n`);
  } else if (status === 'AVAILABLE') {
    const note = image === 'base' ? '' : '; workers launched from now on boot it';
    io.out.write(`${paint(io.out, 'green', 'built')} ${image}: ${amiId ?? arn}${note}\n`);
  }
};

const follow = async (shop: Workshop, subjects: readonly BuildSubject[], json: boolean, io: Io): Promise<void> => {
  const { followBuilds } = await import('../ami/follow-build.ts');
  const names = subjects.map(({ image }) => image).join(' ');
  io.interruption.notice = `the build goes on by itself.\n  look again: carrierarr ami build ${names}\n  end it:     carrierarr ami build ${names} --cancel`;
  const ended = await followBuilds(shop.client, subjects, io, json);
  for (const one of ended) conclude(one, json, io);
  const failed = ended.filter(({ build }) => build.status !== 'AVAILABLE');
  const [first] = failed;
  if (first === undefined) return;
  throw new CommandError(EXIT.failed, {
    what: `the build of ${failed.map(({ image }) => image).join(' and ')} ended as ${first.build.status}`,
    ...(first.build.reason === '' ? {} : { got: first.build.reason }),
    remedy: `read the log (${tailCommand(await logGroupOf(shop, first.image), shop, '--since 3h')}), mend the script it names, deploy, build again; workers go on booting the image before`,
  });
};

const build = async (images: readonly Image[], options: BuildOptions, command: Command, io: Io): Promise<void> => {
  const shop = await openWorkshop(command, io);
  const json = wantsJson(command);
  if (options.cancel === true) {
    await cancel(shop, images, json, io);
    return;
  }
  const subjects: BuildSubject[] = [];
  for (const image of images) subjects.push(await begin(shop, image, json, io));
  if (options.wait) await follow(shop, subjects, json, io);
  else if (!json) io.out.write(`follow it with: carrierarr ami build ${images.join(' ')}\n`);
};

export const registerAmiBuild = (ami: Command, io: Io): void => {
  ami
    .command('build')
    .summary('build images with Image Builder and follow them')
    .description(
      "Starts the fleet's Image Builder pipelines and follows them until new workers boot the result. A build that is\n" +
        'under way already is followed instead of started again. Ctrl-C ends the command, not the build.',
    )
    .argument('[images...]', 'base, lighthouse, gpu-worker (default: the two that workers boot)')
    .option('--no-wait', 'return once it has started')
    .option('--cancel', 'end the builds that are under way')
    .addHelpText('after', '\nExamples:\n  $ carrierarr ami build\n  $ carrierarr ami build gpu-worker --no-wait')
    .action(async (names: string[], options: BuildOptions, command: Command) => {
      const [{ readImage }, { ROLES }] = await Promise.all([import('../ami/read-image.ts'), import('#contract')]);
      const images = names.length === 0 ? [...ROLES] : [...new Set(names.map(readImage))];
      await build(images, options, command, io);
    });
};
