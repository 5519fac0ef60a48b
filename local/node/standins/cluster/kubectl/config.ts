import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import {
  defaultKubeconfig,
  type Kubeconfig,
  parseKubeconfig,
  readKubeconfig,
  writeKubeconfig,
} from '../client/kubeconfig.ts';
import { type Dict, isDict } from '../object.ts';
import { Exit, printJson } from '../program.ts';
import { toYaml } from '../yaml.ts';
import type { Session } from './session.ts';

const fileOf = ({ flags }: Session): string => flags.get('kubeconfig') || defaultKubeconfig();

const load = (session: Session): Kubeconfig => readKubeconfig(fileOf(session)) ?? parseKubeconfig('');

const save = (session: Session, config: Kubeconfig): void => {
  const file = fileOf(session);
  if (!existsSync(dirname(file))) mkdirSync(dirname(file), { recursive: true });
  writeKubeconfig(file, config);
};

/** Secrets are left out unless `--raw` asks for them. */
const hidden = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(hidden);
  if (!isDict(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, entry]): [string, unknown] => {
      if (key === 'certificate-authority-data') return [key, 'DATA+OMITTED'];
      if (['client-certificate-data', 'client-key-data'].includes(key)) return [key, 'DATA+OMITTED'];
      if (['token', 'password'].includes(key)) return [key, 'REDACTED'];
      return [key, hidden(entry)];
    }),
  );
};

const minified = (config: Kubeconfig, wanted: string | undefined): Kubeconfig => {
  const name = wanted ?? config['current-context'];
  const contexts = config.contexts.filter((entry) => entry.name === name);
  const [context] = contexts;
  if (context === undefined) throw new Exit(1, `error: cannot locate context ${name}`);
  return {
    ...config,
    contexts,
    clusters: config.clusters.filter((entry) => entry.name === context.context.cluster),
    users: config.users.filter((entry) => entry.name === context.context.user),
    'current-context': name,
  };
};

const view = (session: Session): void => {
  const { flags } = session;
  const all = load(session);
  const config = flags.on('minify') ? minified(all, flags.get('context')) : all;
  const printed = flags.on('raw') ? config : hidden(config);
  if (flags.get('output') === 'json') printJson(printed);
  else process.stdout.write(toYaml(printed));
};

const CLUSTER_FLAGS = ['server', 'proxy-url', 'tls-server-name', 'certificate-authority'];

const dataOf = (session: Session, flag: string, field: string): Dict => {
  const file = session.flags.get(flag);
  if (file === undefined) return {};
  if (!session.flags.on('embed-certs')) return { [flag]: file };
  return { [field]: readFileSync(file).toString('base64') };
};

const chosen = (session: Session, flags: readonly string[]): Dict =>
  Object.fromEntries(flags.filter((flag) => session.flags.has(flag)).map((flag) => [flag, session.flags.get(flag)]));

const setCluster = (session: Session, name: string): string => {
  const config = load(session);
  const change = {
    ...chosen(session, CLUSTER_FLAGS),
    ...dataOf(session, 'certificate-authority', 'certificate-authority-data'),
  };
  const known = config.clusters.find((entry) => entry.name === name);
  if (known === undefined) config.clusters.push({ name, cluster: change });
  else known.cluster = { ...known.cluster, ...change };
  save(session, config);
  return `Cluster "${name}" set.`;
};

const setCredentials = (session: Session, name: string): string => {
  const config = load(session);
  const change = {
    ...chosen(session, ['token', 'username', 'password']),
    ...dataOf(session, 'client-certificate', 'client-certificate-data'),
    ...dataOf(session, 'client-key', 'client-key-data'),
  };
  const known = config.users.find((entry) => entry.name === name);
  if (known === undefined) config.users.push({ name, user: change });
  else known.user = { ...known.user, ...change };
  save(session, config);
  return `User "${name}" set.`;
};

const setContext = (session: Session, given: string): string => {
  const config = load(session);
  const name = session.flags.on('current') ? config['current-context'] : given;
  const change = chosen(session, ['cluster', 'user', 'namespace']);
  const known = config.contexts.find((entry) => entry.name === name);
  if (known === undefined) config.contexts.push({ name, context: change });
  else known.context = { ...known.context, ...change };
  save(session, config);
  return `Context "${name}" ${known === undefined ? 'created' : 'modified'}.`;
};

const useContext = (session: Session, name: string): string => {
  const config = load(session);
  if (!config.contexts.some((entry) => entry.name === name)) {
    throw new Exit(1, `error: no context exists with the name: "${name}"`);
  }
  save(session, { ...config, 'current-context': name });
  return `Switched to context "${name}".`;
};

const renameContext = (session: Session, name: string): string => {
  const config = load(session);
  const to = session.words[2] ?? '';
  const known = config.contexts.find((entry) => entry.name === name);
  if (known === undefined)
    throw new Exit(1, `error: cannot rename the context "${name}", it's not in ${fileOf(session)}`);
  known.name = to;
  if (config['current-context'] === name) config['current-context'] = to;
  save(session, config);
  return `Context "${name}" renamed to "${to}".`;
};

const remove =
  (field: 'contexts' | 'clusters' | 'users', word: string) =>
  (session: Session, name: string): string => {
    const config = load(session);
    const list: { name: string }[] = config[field];
    const index = list.findIndex((entry) => entry.name === name);
    if (index < 0) throw new Exit(1, `error: cannot delete ${word} ${name}, not in ${fileOf(session)}`);
    list.splice(index, 1);
    save(session, config);
    return `deleted ${word} ${name} from ${fileOf(session)}`;
  };

const CHANGES: Readonly<Record<string, (session: Session, name: string) => string>> = {
  'set-cluster': setCluster,
  'set-credentials': setCredentials,
  'set-context': setContext,
  'use-context': useContext,
  use: useContext,
  'rename-context': renameContext,
  'delete-context': remove('contexts', 'context'),
  'delete-cluster': remove('clusters', 'cluster'),
  'delete-user': remove('users', 'user'),
};

const listing = (session: Session, what: string): string => {
  const config = load(session);
  const current = config['current-context'];
  switch (what) {
    case 'current-context':
      if (current === '') throw new Exit(1, 'error: current-context is not set');
      return current;
    case 'get-clusters':
      return ['NAME', ...config.clusters.map(({ name }) => name)].join('\n');
    case 'get-users':
      return ['NAME', ...config.users.map(({ name }) => name)].join('\n');
    case 'get-contexts':
      if (session.flags.get('output') === 'name') return config.contexts.map(({ name }) => name).join('\n');
      return [
        'CURRENT   NAME',
        ...config.contexts.map(({ name }) => `${name === current ? '*' : ' '}         ${name}`),
      ].join('\n');
    default:
      throw new Exit(1, `error: unknown command "${what}"\nSee 'kubectl config -h' for help and examples`);
  }
};

/** `kubectl config …`. */
export const config = async (session: Session): Promise<number> => {
  const [what = '', name = ''] = session.words;
  const change = CHANGES[what];
  if (what === 'view') view(session);
  else process.stdout.write(`${change === undefined ? listing(session, what) : change(session, name)}\n`);
  return 0;
};
