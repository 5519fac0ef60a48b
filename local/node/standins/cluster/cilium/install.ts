import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { dropRelease, finishRelease, type Release, saveRelease } from '../helm-store.ts';
import { valuesOf } from '../helm-values.ts';
import { durationOf } from '../kubectl/session.ts';
import { type Dict, isDict, mergePatch, textAt } from '../object.ts';
import { Exit } from '../program.ts';
import { parseYaml } from '../yaml.ts';
import { chartFault, chartObjects } from './chart.ts';
import { allReady, type CiliumSession, NAMESPACE, partsOf, RELEASE, until } from './session.ts';

/** The chart that v0.16.24 installs unless told otherwise, and the newest it brings along. */
const DEFAULT_VERSION = '1.16.5';
const EMBEDDED = /^1\.(1[0-5]\.\d+|16\.[0-6])$/;

const failure = (doing: string, why: string): Exit => new Exit(1, `\nError: Unable to ${doing} Cilium: ${why}`);

const chartVersion = ({ flags }: CiliumSession, doing: string): string => {
  const version = (flags.get('version') ?? DEFAULT_VERSION).replace(/^v/, '');
  const folder = flags.get('chart-directory');
  if (folder !== undefined) {
    const file = join(folder, 'Chart.yaml');
    if (!existsSync(file)) throw failure(doing, `Chart.yaml file is missing`);
    return textAt(parseYaml(readFileSync(file, 'utf8')), 'version') || version;
  }
  if (!/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version)) throw failure(doing, `cannot parse requested version "${version}"`);
  if ((process.env.HOME ?? '') === '' && (process.env.XDG_CACHE_HOME ?? '') === '') {
    throw failure(doing, 'neither $XDG_CACHE_HOME nor $HOME are defined');
  }
  if (!EMBEDDED.test(version)) {
    const repository = flags.get('repository') ?? 'https://helm.cilium.io';
    throw failure(
      doing,
      `looks like "${repository}" is not a valid chart repository or cannot be reached: Get "${repository}/index.yaml": dial tcp: lookup ${new URL(repository).hostname}: no such host`,
    );
  }
  return version;
};

const givenValues = ({ flags }: CiliumSession, base: Dict): Dict => {
  let values = base;
  for (const file of flags.all('values')) {
    const more = parseYaml(readFileSync(file, 'utf8'));
    if (isDict(more)) values = mergePatch(values, more) as Dict;
  }
  return valuesOf([...flags.all('set'), ...flags.all('set-string')], values);
};

/** A CA that is there already is kept: that is how clusters of a mesh come to share one. */
const ensureCa = async ({ client }: CiliumSession): Promise<void> => {
  const reference = { resource: 'secrets', name: 'cilium-ca', namespace: NAMESPACE };
  if ((await client.find(reference)) !== undefined) return;
  const data = (): string => randomBytes(48).toString('base64');
  await client.create({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'cilium-ca', namespace: NAMESPACE },
    data: { 'ca.crt': data(), 'ca.key': data() },
  });
};

/** Makes the cluster's objects those of the release, and takes away what an earlier one had and this one has not. */
const lay = async (session: CiliumSession, release: Release): Promise<void> => {
  const { client } = session;
  const version = release.chart.replace(/^cilium-/, '');
  const objects = chartObjects(release.values, version);
  await ensureCa(session);
  // Applying would keep what is gone from the values.
  const remotes = { resource: 'secrets', name: 'cilium-clustermesh', namespace: NAMESPACE };
  if ((await client.find(remotes)) !== undefined) await client.delete(remotes);
  for (const object of objects) await client.apply(object);
  const kept = new Set(objects.map(({ metadata }) => metadata.name));
  for (const part of await partsOf(client)) {
    const resource = `${part.kind.toLowerCase()}s.apps`;
    if (!kept.has(part.name)) await client.delete({ resource, name: part.name, namespace: NAMESPACE });
  }
};

const awaitParts = async (session: CiliumSession, doing: string): Promise<void> => {
  const { flags, client } = session;
  if (!flags.on('wait')) return;
  const limit = durationOf(flags.get('wait-duration') ?? '5m');
  if (await until(async () => allReady(await partsOf(client)), limit)) return;
  throw failure(doing, 'context deadline exceeded');
};

const carryOut = async (
  session: CiliumSession,
  doing: string,
  old: Release | undefined,
  values: Dict,
  version = chartVersion(session, doing),
): Promise<void> => {
  const fault = chartFault(values);
  if (fault !== undefined) throw failure(doing, fault);
  const release: Release = {
    name: RELEASE,
    namespace: NAMESPACE,
    revision: (old?.revision ?? 0) + 1,
    status: `pending-${doing}`,
    chart: `cilium-${version}`,
    appVersion: version,
    values,
    updated: new Date().toISOString(),
  };
  process.stdout.write(`ℹ️  Using Cilium version ${version}\n`);
  if (session.flags.on('dry-run')) return;
  await saveRelease(session.client, release);
  await lay(session, release);
  await awaitParts(session, doing);
  await finishRelease(session.client, release);
};

/** `cilium install`: cannot be repeated. */
export const install = async (session: CiliumSession): Promise<void> => {
  const old = await session.release();
  const name = session.flags.all('set').some((text) => text.includes('cluster.name='));
  if (!name) process.stdout.write('🔮 Auto-detected cluster name: default\n');
  if (old !== undefined) throw failure('install', 'cannot re-use a name that is still in use');
  const nodes = await session.client.list({ resource: 'nodes' });
  const base = nodes.length === 1 ? { operator: { replicas: 1 } } : {};
  await carryOut(session, 'install', undefined, givenValues(session, base));
};

/** `cilium upgrade`: keeps the values of before unless told to forget them; the version is its own unless told. */
export const upgrade = async (session: CiliumSession): Promise<void> => {
  const old = await session.release();
  if (old === undefined) throw failure('upgrade', '"cilium" has no deployed releases');
  if (old.status.startsWith('pending-')) {
    throw failure('upgrade', 'another operation (install/upgrade/rollback) is in progress');
  }
  const { flags } = session;
  const forgets = flags.on('reset-values') || flags.get('reuse-values') === 'false';
  await carryOut(session, 'upgrade', old, givenValues(session, forgets ? {} : old.values));
};

/** Changes values of what is installed, as `cilium clustermesh` does by itself. */
export const changeValues = async (session: CiliumSession, change: (values: Dict) => Dict): Promise<void> => {
  const old = await session.release();
  if (old === undefined) throw new Exit(1, '\nError: Unable to determine the Cilium release: release: not found');
  // With the chart that is in the release, whatever the program brings along.
  await carryOut(session, 'upgrade', old, change(old.values), old.appVersion);
};

/** `cilium uninstall`. */
export const uninstall = async (session: CiliumSession): Promise<void> => {
  const { client } = session;
  if ((await session.release()) === undefined)
    throw new Exit(1, '\nError: Unable to uninstall Cilium: uninstall: Release not loaded: cilium: release: not found');
  for (const { kind, name } of await partsOf(client)) {
    await client.delete({ resource: `${kind.toLowerCase()}s.apps`, name, namespace: NAMESPACE });
  }
  await client.delete({ resource: 'configmaps', name: 'cilium-config', namespace: NAMESPACE });
  await dropRelease(client, NAMESPACE, RELEASE);
};
