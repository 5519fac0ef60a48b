import { randomBytes } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parameterName, ROLES, TAG } from '#contract';
import { makeControlPlaneCertificates } from '../cli/homelab/certificates.ts';
import { deepMerge } from '../lib/config/merge.ts';
import { type PrunedAssembly, pruneAssembly } from './deploy/assembly.ts';
import { assemblyDirectory, cdkBootstrap, cdkDeploy, cdkSynth } from './deploy/cdk.ts';
import { Doors } from './deploy/doors.ts';
import { AMAZON_ID } from './edge/ec2/images.ts';
import type { Ec2Times } from './edge/ec2/instance.ts';
import type { Edge } from './edge/edge.ts';
import { startGateway } from './gateway.ts';
import { installMinistack } from './ministack/install.ts';
import { openPageDoor } from './node/homelab/page-door.ts';
import type { RunningNode } from './node/host.ts';
import { stateDirectory } from './paths.ts';
import { abortTogether } from './process/abort-together.ts';
import { dummyAws } from './process/environment.ts';
import type { Teardown } from './process/teardown.ts';
import { type Certificates, settleAtHome } from './settle-at-home.ts';
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
  /** Settings of the control plane beside those that the deployment gives. */
  readonly controlPlane: Readonly<Record<string, string>>;
}

export interface Standing {
  readonly edge: Edge;
  readonly assembly: PrunedAssembly;
  /** The homelab's own node. */
  readonly homelab: RunningNode;
  /** Address of the control plane's page on this machine; undefined where nodes execute nothing. */
  readonly page: string | undefined;
  /** Opens the control plane's commands. */
  readonly commandToken: string;
}

/** The door to the control plane's page, as long as the cloud stands. */
const openPage = async (pageSocket: string | undefined, teardown: Teardown): Promise<string | undefined> => {
  if (pageSocket === undefined) return undefined;
  const door = await openPageDoor(pageSocket);
  teardown.add(() => door.close());
  return door.url;
};

/** Where nothing is executed nobody shows them; where OpenSSL is missing the control plane tells AWS nothing. */
const certify = async ({ host, configuration }: Site): Promise<Certificates> => {
  if (host.kind === 'played') return undefined;
  try {
    return await makeControlPlaneCertificates(configuration.fleet);
  } catch {
    return undefined;
  }
};

interface Synthesised {
  readonly assembly: PrunedAssembly;
  readonly certificates: Certificates;
}

const synthesise = async ({ site, abort }: BringUp): Promise<Synthesised> => {
  const { host, directory, cdk, supervisor, configuration } = site;
  const [{ trustedCaPem }, certificates] = await Promise.all([
    host.prepareHomelab(join(directory, 'homelab')),
    certify(site),
  ]);
  const homelab = certificates && { controlPlane: { trustAnchor: certificates.authority.certificate } };
  const ours = { mesh: { trustedCas: [trustedCaPem] }, ...(homelab !== undefined && { homelab }) };
  const config = deepMerge(configuration.overrides, ours);
  await writeFile(cdk.configFile, JSON.stringify(config, undefined, 2));
  await supervisor.run(cdkSynth(cdk), abort.signal);
  return { assembly: await pruneAssembly(assemblyDirectory(cdk)), certificates };
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

/**
 * Brings up emulator, edge and fleet. The Python environment and the emulator on one side and the synthesis on the
 * other go side by side.
 */
export const bringUp = async (given: BringUp): Promise<Standing> => {
  const { site, stages, abort, teardown } = given;
  const { fleet, region } = site.configuration;
  const [edge, { assembly, certificates }] = await abortTogether(abort, [
    startEmulator(given),
    stages.run(
      'cdk synth',
      () => synthesise(given),
      ({ assembly: { stacks, removed } }) => `${stacks.length} stacks, ${removed.length} resources left out`,
    ),
  ]);
  for (const [name, content] of Object.entries(assembly.documents)) edge.ssm.putDocument(name, content);
  if (assembly.certified !== undefined) edge.sessions.trust(assembly.certified, fleet);
  const doors = new Doors(edge.url, region);
  const commandToken = randomBytes(24).toString('base64url');
  try {
    await publishImages(edge, doors, fleet);
    await stages.run('cdk deploy', () =>
      site.supervisor.run(cdkDeploy(site.cdk, dummyAws(edge.url, region)), abort.signal),
    );
    const homelab = await stages.run(
      'homelab',
      () => settleAtHome({ site, edge, doors, certificates, commandToken, controlPlane: given.controlPlane }),
      () => `${site.host.kind}: ${site.host.reason}`,
    );
    const page = await openPage(homelab.pageSocket, teardown);
    return { edge, assembly, homelab: homelab.node, page, commandToken };
  } finally {
    doors.close();
  }
};
