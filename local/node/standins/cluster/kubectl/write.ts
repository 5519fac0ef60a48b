import { KubeError } from '../client/kube-client.ts';
import { type KubeObject, sameJson } from '../object.ts';
import { Exit } from '../program.ts';
import type { Resource } from '../server/kinds.ts';
import { parseYaml } from '../yaml.ts';
import { made } from './generators.ts';
import { raw } from './get.ts';
import { print } from './output.ts';
import { type Session, shown, textOf } from './session.ts';

const say = (session: Session, resource: Resource, object: KubeObject, done: string): void => {
  const format = session.flags.get('output');
  if (format === undefined) process.stdout.write(`${shown(resource, object.metadata.name)} ${done}\n`);
  else print([{ resource, object }], { format, asList: false, withNamespace: false, headers: true });
};

/** Puts objects without a namespace into the one of the call; refuses others, as kubectl does. */
const placed = (session: Session, object: KubeObject, resource: Resource): KubeObject => {
  if (!resource.namespaced) return object;
  const asked = session.flags.get('namespace');
  const { namespace } = object.metadata;
  if (asked !== undefined && namespace !== undefined && namespace !== asked) {
    const message = `error: the namespace from the provided object "${namespace}" does not match the namespace "${asked}". You must pass '--namespace=${namespace}' to perform this operation.`;
    throw new Exit(1, message);
  }
  return { ...object, metadata: { ...object.metadata, namespace: namespace ?? session.namespace } };
};

const find = async (session: Session, resource: Resource, object: KubeObject): Promise<KubeObject | undefined> =>
  await session.client.find({
    resource: resource.group === '' ? resource.plural : `${resource.plural}.${resource.group}`,
    name: object.metadata.name,
    namespace: object.metadata.namespace,
  });

const isDryRun = (session: Session): boolean => ['client', 'server'].includes(session.flags.get('dry-run') ?? 'none');

const applied = async (session: Session, manifest: KubeObject): Promise<void> => {
  const resource = await session.client.resourceOfKind(manifest);
  const object = placed(session, manifest, resource);
  const before = await find(session, resource, object);
  const after = isDryRun(session) ? object : await session.client.apply(object);
  const same = before?.metadata.resourceVersion === after.metadata.resourceVersion;
  const word = before === undefined ? 'created' : same ? 'unchanged' : 'configured';
  say(session, resource, after, session.flags.on('server-side') ? 'serverside-applied' : word);
};

/** `kubectl apply`: as many as go; the first error decides the exit code. */
export const apply = async (session: Session): Promise<number> => {
  let failed = false;
  for (const manifest of await session.manifests()) {
    try {
      await applied(session, manifest);
    } catch (error) {
      if (!(error instanceof KubeError)) throw error;
      failed = true;
      process.stderr.write(`${applyError(error, manifest)}\n`);
    }
  }
  return failed ? 1 : 0;
};

const applyError = (error: KubeError, { metadata }: KubeObject): string => {
  const { name, namespace = '' } = metadata;
  if (error.reason !== 'NoMatch') return `Error from server (${error.reason}): ${error.message}`;
  return `error: resource mapping not found for name: "${name}" namespace: "${namespace}" from "STDIN": ${error.message}`;
};

/** `kubectl create -f …`, `create TYPE NAME` and `create --raw`. */
export const create = async (session: Session): Promise<number> => {
  const { client, flags } = session;
  if (flags.has('raw')) {
    const body = flags.has('filename') ? parseYaml(await textOf(flags.get('filename') ?? '-')) : undefined;
    return await raw(session, 'POST', body);
  }
  const manifests = session.words.length === 0 ? await session.manifests() : [await made(session)];
  for (const manifest of manifests) {
    const resource = await client.resourceOfKind(manifest);
    const object = placed(session, manifest, resource);
    say(session, resource, isDryRun(session) ? manifest : await client.create(object), 'created');
  }
  return 0;
};

/** `kubectl replace -f …` and `replace --raw PATH -f …`. */
export const replace = async (session: Session): Promise<number> => {
  const { client, flags } = session;
  if (flags.has('raw')) return await raw(session, 'PUT', parseYaml(await textOf(flags.get('filename') ?? '-')));
  for (const manifest of await session.manifests()) {
    const resource = await client.resourceOfKind(manifest);
    const object = placed(session, manifest, resource);
    if ((await find(session, resource, object)) === undefined) {
      throw new KubeError(404, 'NotFound', `${resource.plural} "${object.metadata.name}" not found`);
    }
    say(session, resource, await client.apply(object), 'replaced');
  }
  return 0;
};

/** `kubectl patch`; strategic patches are taken for merges, which for what is patched here they are. */
export const patch = async (session: Session): Promise<number> => {
  const { client, flags } = session;
  const type = flags.get('type') ?? 'strategic';
  if (type === 'json') throw new Exit(1, 'error: the stand-in for kubectl knows no JSON patches');
  if (type !== 'merge' && type !== 'strategic') {
    throw new Exit(1, `error: --type must be one of [json merge strategic], not "${type}"`);
  }
  const text = flags.get('patch') ?? (await textOf(flags.get('patch-file') ?? '-'));
  for (const { type: kind, name } of session.targets()) {
    if (name === undefined) throw new Exit(1, 'error: resource name may not be empty');
    const resource = await client.resource(kind);
    const reference = { resource: kind, name, namespace: session.namespace };
    const before = await client.get(reference);
    const after = await client.patch(reference, parseYaml(text));
    const same = sameJson(before.metadata.resourceVersion, after.metadata.resourceVersion);
    say(session, resource, after, same ? 'patched (no change)' : 'patched');
  }
  return 0;
};
