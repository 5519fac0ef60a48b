import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import type { KubeObject } from '../object.ts';
import { Exit } from '../program.ts';
import type { Session } from './session.ts';

const literals = (session: Session): Record<string, string> => {
  const pairs = session.flags.all('from-literal').map((pair): [string, string] => {
    const [key = '', ...value] = pair.split('=');
    return [key, value.join('=')];
  });
  const files = session.flags.all('from-file').map((source): [string, string] => {
    const [key = '', file = key] = source.split('=');
    return [source.includes('=') ? key : basename(file), readFileSync(file, 'utf8')];
  });
  return Object.fromEntries([...pairs, ...files]);
};

const encoded = (data: Record<string, string>): Record<string, string> =>
  Object.fromEntries(Object.entries(data).map(([key, value]) => [key, Buffer.from(value).toString('base64')]));

/** What `kubectl create TYPE NAME` makes, for the types in use. */
export const made = async (session: Session): Promise<KubeObject> => {
  const [type = '', ...rest] = session.words;
  const [name] = type === 'secret' ? rest.slice(1) : rest;
  if (name === undefined) throw new Exit(1, 'error: exactly one NAME is required, got 0');
  const metadata = { name };
  switch (type) {
    case 'namespace':
    case 'ns':
      return { apiVersion: 'v1', kind: 'Namespace', metadata };
    case 'serviceaccount':
    case 'sa':
      return { apiVersion: 'v1', kind: 'ServiceAccount', metadata };
    case 'configmap':
    case 'cm':
      return { apiVersion: 'v1', kind: 'ConfigMap', metadata, data: literals(session) };
    case 'secret':
      return { apiVersion: 'v1', kind: 'Secret', metadata, type: 'Opaque', data: encoded(literals(session)) };
    default:
      throw new Exit(1, `error: Unexpected args: [${session.words.join(' ')}]`);
  }
};
