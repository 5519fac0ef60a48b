import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { ConfigurationError } from '#shared/errors.ts';
import type { CdkSettings } from './deploy/cdk.ts';
import { type LocalConfiguration, readConfiguration } from './deploy/configuration.ts';
import { createNodeHost } from './node/create-node-host.ts';
import type { LocalNodeHost } from './node/host.ts';
import { cloudDirectory } from './paths.ts';
import { isAlive, withLock } from './process/lock.ts';
import { Supervisor } from './process/supervisor.ts';
import type { Teardown } from './process/teardown.ts';

/** The ground a cloud is built on: its directory, its processes, its nodes. */
export interface Site {
  readonly name: string;
  readonly directory: string;
  readonly logDirectory: string;
  readonly configuration: LocalConfiguration;
  readonly supervisor: Supervisor;
  readonly host: LocalNodeHost;
  readonly cdk: CdkSettings;
}

export interface SiteOptions {
  readonly name: string;
  readonly nodes: LocalNodeHost['kind'] | undefined;
  readonly config: unknown;
  readonly teardown: Teardown;
}

const CLOUD_NAME = /^[a-z0-9][a-z0-9-]{0,30}$/;

const ownerFile = (directory: string): string => join(directory, 'owner');

/** The process that runs the cloud of this directory, undefined if it is gone. */
export const ownerOf = async (directory: string): Promise<number | undefined> => {
  const pid = Number(await readFile(ownerFile(directory), 'utf8').catch(() => ''));
  return Number.isInteger(pid) && pid > 0 && isAlive(pid) ? pid : undefined;
};

/** Removes the directories of clouds that were killed: their owner is named but gone. */
const sweep = async (clouds: string): Promise<void> => {
  for (const entry of await readdir(clouds, { withFileTypes: true })) {
    const directory = join(clouds, entry.name);
    if (!entry.isDirectory() || !existsSync(ownerFile(directory))) continue;
    if ((await ownerOf(directory)) === undefined) await rm(directory, { recursive: true, force: true });
  }
};

/** Takes a cloud's directory for this process; what an earlier cloud left there goes. @throws ConfigurationError */
const claim = async (name: string): Promise<string> => {
  if (!CLOUD_NAME.test(name)) {
    throw new ConfigurationError({
      what: 'the name of an embedded cloud is not usable',
      got: name,
      allowed: '1 to 31 lower-case letters, digits and hyphens',
      remedy: 'choose another name',
    });
  }
  const directory = cloudDirectory(name);
  const clouds = dirname(directory);
  await mkdir(clouds, { recursive: true });
  await withLock(join(clouds, '.lock'), async () => {
    await sweep(clouds);
    const owner = await ownerOf(directory);
    if (owner !== undefined) throw alreadyRunning(name, owner);
    await rm(directory, { recursive: true, force: true });
    await mkdir(join(directory, 'logs'), { recursive: true });
    await writeFile(ownerFile(directory), String(process.pid));
  });
  return directory;
};

const alreadyRunning = (name: string, owner: number): ConfigurationError =>
  new ConfigurationError({
    what: `embedded cloud ${name} is already running`,
    got: `process ${owner}`,
    remedy: `use it, end it with \`carrierarr local down --name ${name}\`, or choose another --name`,
  });

/** Removes a cloud's directory; its logs stay where they are wanted. */
export const clear = async (directory: string, keepLogs: boolean): Promise<void> => {
  if (!keepLogs) {
    await rm(directory, { recursive: true, force: true });
    return;
  }
  for (const part of ['owner', 'cdk.out', 'cdk-home', 'ministack', 'nodes', 'homelab']) {
    await rm(join(directory, part), { recursive: true, force: true });
  }
};

/** @throws ConfigurationError when the cloud runs already or the configuration cannot be read */
export const openSite = async ({ name, nodes, config, teardown }: SiteOptions): Promise<Site> => {
  const configuration = await readConfiguration(config);
  const directory = await claim(name);
  teardown.add(() => rm(ownerFile(directory), { force: true }));
  const host = await createNodeHost({ ...(nodes !== undefined && { kind: nodes }) });
  teardown.add(() => host.close());
  const supervisor = new Supervisor();
  teardown.add(() => supervisor.stop());
  const logDirectory = join(directory, 'logs');
  const cdk = { directory, logDirectory, configFile: join(directory, 'config.json') };
  return { name, directory, logDirectory, configuration, supervisor, host, cdk };
};
