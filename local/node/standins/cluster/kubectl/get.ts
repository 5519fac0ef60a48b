import { KubeError } from '../client/kube-client.ts';
import { hasKnob } from '../place.ts';
import { Exit, paint } from '../program.ts';
import { type Found, print } from './output.ts';
import type { Session } from './session.ts';

/** A request to a path of the API; prints what it answers. */
export const raw = async (session: Session, method: string, body?: unknown): Promise<number> => {
  const path = session.flags.get('raw') ?? '';
  const { status, text } = await session.client.raw(method, path, body);
  if (status >= 400) throw rawError(status, text);
  process.stdout.write(hasKnob('colour') && text.startsWith('{') ? paint(text) : text);
  return 0;
};

const rawError = (status: number, text: string): Error => {
  try {
    const { reason, message } = JSON.parse(text) as { reason: string; message: string };
    return new KubeError(status, reason, message);
  } catch {
    const reason = status === 404 ? 'NotFound' : 'ServiceUnavailable';
    return new KubeError(status, reason, 'the server could not find the requested resource');
  }
};

const byName = async (session: Session, type: string, name: string): Promise<Found | undefined> => {
  const { client, flags } = session;
  const resource = await client.resource(type);
  const reference = { resource: type, name, namespace: session.namespace };
  if (resource.namespaced && flags.on('all-namespaces')) {
    throw new Exit(1, 'error: a resource cannot be retrieved by name across all namespaces');
  }
  const object = flags.on('ignore-not-found') ? await client.find(reference) : await client.get(reference);
  return object === undefined ? undefined : { resource, object };
};

const ofType = async (session: Session, type: string): Promise<Found[]> => {
  const { client, flags } = session;
  const resource = await client.resource(type);
  const objects = await client.list({
    resource: type,
    namespace: session.scope(resource),
    selector: flags.get('selector'),
    fields: flags.get('field-selector'),
  });
  return objects.map((object) => ({ resource, object }));
};

const nothingFound = async (session: Session): Promise<void> => {
  const { format, types } = { format: session.flags.get('output'), types: session.targets() };
  if ((format !== undefined && format !== 'wide') || session.flags.on('ignore-not-found')) return;
  const resource = await session.client.resource(types[0]?.type ?? '');
  const scope = session.scope(resource);
  process.stderr.write(scope === undefined ? 'No resources found\n' : `No resources found in ${scope} namespace.\n`);
};

/** `kubectl get`. */
export const get = async (session: Session): Promise<number> => {
  const { flags } = session;
  if (flags.has('raw')) return await raw(session, 'GET');
  const targets = session.targets();
  const found: Found[] = [];
  for (const { type, name } of targets) {
    if (name === undefined) found.push(...(await ofType(session, type)));
    else {
      const one = await byName(session, type, name);
      if (one !== undefined) found.push(one);
    }
  }
  const named = targets.every(({ name }) => name !== undefined);
  if (found.length === 0) await nothingFound(session);
  if (found.length === 0 && named) return 0;
  print(found, {
    format: flags.get('output'),
    asList: !(named && targets.length === 1),
    withNamespace: flags.on('all-namespaces') && found.some(({ resource }) => resource.namespaced),
    headers: !flags.on('no-headers'),
  });
  return 0;
};
