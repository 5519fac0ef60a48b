import { setTimeout as sleep } from 'node:timers/promises';
import { KubeError, type Reference } from '../client/kube-client.ts';
import { Exit } from '../program.ts';
import { fullName, type Resource } from '../server/kinds.ts';
import { raw } from './get.ts';
import { durationOf, type Session } from './session.ts';

interface Doomed {
  readonly resource: Resource;
  readonly reference: Reference;
}

const doomedByType = async (session: Session, type: string, name: string | undefined): Promise<Doomed[]> => {
  const { client, flags } = session;
  const resource = await client.resource(type);
  if (name !== undefined) return [{ resource, reference: { resource: type, name, namespace: session.namespace } }];
  const selector = flags.get('selector');
  if (selector === undefined && !flags.on('all')) {
    throw new Exit(1, 'error: resource(s) were provided, but no name was specified');
  }
  const objects = await client.list({ resource: type, namespace: session.scope(resource), selector });
  return objects.map(({ metadata }) => ({
    resource,
    reference: { resource: type, name: metadata.name, namespace: metadata.namespace },
  }));
};

const doomedInFiles = async (session: Session): Promise<Doomed[]> => {
  const { client } = session;
  const list: Doomed[] = [];
  for (const { apiVersion, kind, metadata } of await session.manifests()) {
    const resource = await client.resourceOfKind({ apiVersion, kind });
    const namespace = metadata.namespace ?? session.namespace;
    list.push({ resource, reference: { resource: fullName(resource), name: metadata.name, namespace } });
  }
  return list;
};

const awaitGone = async (session: Session, doomed: readonly Doomed[], limit: number): Promise<void> => {
  const end = Date.now() + limit;
  for (const { reference, resource } of doomed) {
    while ((await session.client.find(reference)) !== undefined) {
      if (Date.now() >= end) {
        throw new Exit(1, `error: timed out waiting for the condition on ${resource.plural}/${reference.name}`);
      }
      await sleep(100);
    }
  }
};

const remove = async (session: Session, { resource, reference }: Doomed): Promise<boolean> => {
  try {
    await session.client.delete(reference);
  } catch (error) {
    if (!(error instanceof KubeError) || error.code !== 404 || error.reason === 'UnknownResource') throw error;
    if (session.flags.on('ignore-not-found')) return false;
    throw error;
  }
  const force = session.flags.on('force') ? ' force' : '';
  const kind = `${resource.kind.toLowerCase()}${resource.group === '' ? '' : `.${resource.group}`}`;
  const line = `${kind} "${reference.name}"${force} deleted`;
  process.stdout.write(session.flags.get('output') === 'name' ? `${kind}/${reference.name}\n` : `${line}\n`);
  return true;
};

/** `kubectl delete`; waits for finalizers unless told not to. */
export const deleteObjects = async (session: Session): Promise<number> => {
  const { flags } = session;
  if (flags.has('raw')) return await raw(session, 'DELETE');
  const lists = flags.has('filename')
    ? [await doomedInFiles(session)]
    : await Promise.all(session.targets().map(({ type, name }) => doomedByType(session, type, name)));
  const removed: Doomed[] = [];
  for (const doomed of lists.flat()) if (await remove(session, doomed)) removed.push(doomed);
  const limit = durationOf(flags.get('timeout') ?? '0s');
  if (flags.get('wait') !== 'false') await awaitGone(session, removed, limit === 0 ? 3_600_000 : limit);
  if (lists.flat().length === 0) process.stdout.write('No resources found\n');
  return 0;
};
