import { createWriteStream } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { HOMELAB_ROLE, OUTPUT, parameterName, ROLES, stackName, TAG } from '#contract';
import { deepMerge } from '../lib/config/merge.ts';
import { type PrunedAssembly, pruneAssembly } from './deploy/assembly.ts';
import { assemblyDirectory, cdkBootstrap, cdkDeploy, cdkSynth } from './deploy/cdk.ts';
import { Doors } from './deploy/doors.ts';
import { AMAZON_ID } from './edge/ec2/images.ts';
import type { Ec2Times } from './edge/ec2/instance.ts';
import type { Edge } from './edge/edge.ts';
import { startGateway } from './gateway.ts';
import { installMinistack } from './ministack/install.ts';
import type { RunningNode } from './node/host.ts';
import { stateDirectory } from './paths.ts';
import { abortTogether } from './process/abort-together.ts';
import { dummyAws } from './process/environment.ts';
import type { Teardown } from './process/teardown.ts';
import type { Site } from './site.ts';
import type { Stages } from './stages.ts';

export const ACCOUNT_ID = '000000000000';

export interface BringUp {
  readonly site: Site;
  readonly stages: Stages;
  readonly teardown: Teardown;
  /** Aborts every piece of work of this start. */
  readonly abort: AbortController;
  readonly waitScale: number;
  readonly times: Ec2Times | undefined;
}

export interface Standing {
  readonly edge: Edge;
  readonly assembly: PrunedAssembly;
  /** The homelab's own node. */
  readonly homelab: RunningNode;
}

const synthesise = async ({ site, abort }: BringUp): Promise<PrunedAssembly> => {
  const { host, directory, cdk, supervisor, configuration } = site;
  const { trustedCaPem } = await host.prepareHomelab(join(directory, 'homelab'));
  const config = deepMerge(configuration.overrides, { mesh: { trustedCas: [trustedCaPem] } });
  await writeFile(cdk.configFile, JSON.stringify(config, undefined, 2));
  await supervisor.run(cdkSynth(cdk), abort.signal);
  return await pruneAssembly(assemblyDirectory(cdk));
};

const installPython = async ({ site, stages, abort }: BringUp): Promise<string> => {
  const installation = await stages.run(
    'Python environment',
    () =>
      installMinistack({
        directory: join(stateDirectory(), 'python'),
        supervisor: site.supervisor,
        signal: abort.signal,
        logFile: join(site.logDirectory, 'python.log'),
      }),
    ({ version, fresh }) => `MiniStack ${version}, ${fresh ? 'installed' : 'from an earlier run'}`,
  );
  return installation.python;
};

const startEmulator = async (bringUp: BringUp): Promise<Edge> => {
  const { site, stages, teardown, abort } = bringUp;
  const python = await installPython(bringUp);
  const log = createWriteStream(join(site.logDirectory, 'edge.log'), { flags: 'a' });
  teardown.add(async () => log.end());
  const edge = await stages.run(
    'emulator and edge',
    () =>
      startGateway({
        python,
        region: site.configuration.region,
        accountId: ACCOUNT_ID,
        host: site.host,
        directory: site.directory,
        logDirectory: site.logDirectory,
        supervisor: site.supervisor,
        waitScale: bringUp.waitScale,
        times: bringUp.times,
        log: (line) => void log.write(`${new Date().toISOString()} ${line}\n`),
        signal: abort.signal,
      }),
    ({ url }) => url,
  );
  teardown.add(() => edge.close());
  await stages.run('cdk bootstrap', () => {
    const { region } = site.configuration;
    const program = cdkBootstrap(site.cdk, `aws://${ACCOUNT_ID}/${region}`, dummyAws(edge.url, region));
    return site.supervisor.run(program, abort.signal);
  });
  return edge;
};

/** For workers that install themselves; here they boot like the others. */
const AMAZON_LINUX = 'al2023-ami-embedded-kernel-6.1-x86_64';

/** Machine images of the roles, as the image pipelines would have left them. */
const publishImages = async (edge: Edge, doors: Doors, fleet: string): Promise<void> => {
  for (const role of ROLES) {
    const tags = { [TAG.fleet]: fleet, [TAG.image]: role };
    const name = `${fleet}-${role}-embedded`;
    const { imageId } = edge.ec2.images.register({ name, ownerId: ACCOUNT_ID, tags, now: Date.now() });
    await doors.putImageParameter(parameterName.ami(fleet, role), imageId);
  }
  edge.ec2.images.register({ name: AMAZON_LINUX, ownerId: AMAZON_ID, tags: {}, now: Date.now() });
};

/** The homelab's node beyond the mesh, as the fleet's network sees it. */
const HOMELAB_NODE_ADDRESS = '10.244.0.10';

/**
 * What the operator does by hand at home: make the lighthouse trust the fleet's CA, and register the homelab's node
 * with an activation for the role that the fleet made for it.
 */
const settleAtHome = async (site: Site, edge: Edge, doors: Doors): Promise<RunningNode> => {
  const { fleet, region, provides } = site.configuration;
  const mesh = await doors.outputs(stackName(fleet, 'mesh'));
  const { [OUTPUT.homelabRole]: role = '' } = await doors.outputs(stackName(fleet, 'fleet'));
  const fleetCaPem = await doors.parameter(mesh[OUTPUT.caCertificateParameter] ?? '');
  const activation = await doors.activate(role, { [TAG.fleet]: fleet, [TAG.role]: HOMELAB_ROLE });
  const registration = edge.enrol({ ...activation, ipAddress: HOMELAB_NODE_ADDRESS });
  const { instanceId, arn: instanceArn, tags } = registration;
  const directory = join(site.directory, 'nodes', instanceId);
  const node = { instanceId, instanceArn, region, tags, directory, awsEndpoint: edge.url };
  const running = await site.host.startHomelab({ fleetCaPem, node, provides });
  await edge.nodes.adopt(registration, running, directory);
  return running;
};

/**
 * Brings up emulator, edge and fleet. The Python environment and the emulator on one side and the synthesis on the
 * other go side by side.
 */
export const bringUp = async (given: BringUp): Promise<Standing> => {
  const { site, stages, abort } = given;
  const { fleet, region } = site.configuration;
  const [edge, assembly] = await abortTogether(abort, [
    startEmulator(given),
    stages.run(
      'cdk synth',
      () => synthesise(given),
      ({ stacks, removed }) => `${stacks.length} stacks, ${removed.length} resources left out`,
    ),
  ]);
  for (const [name, content] of Object.entries(assembly.documents)) edge.ssm.putDocument(name, content);
  const doors = new Doors(edge.url, region);
  try {
    await publishImages(edge, doors, fleet);
    await stages.run('cdk deploy', () =>
      site.supervisor.run(cdkDeploy(site.cdk, dummyAws(edge.url, region)), abort.signal),
    );
    const homelab = await stages.run(
      'homelab',
      () => settleAtHome(site, edge, doors),
      () => `${site.host.kind}: ${site.host.reason}`,
    );
    return { edge, assembly, homelab };
  } finally {
    doors.close();
  }
};
