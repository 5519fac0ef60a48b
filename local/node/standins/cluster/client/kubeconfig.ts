import { readFileSync, writeFileSync } from 'node:fs';
import { dictAt, isDict, listAt, textAt } from '../object.ts';
import { parseYaml, toYaml } from '../yaml.ts';

export interface Kubeconfig {
  apiVersion: string;
  kind: string;
  clusters: { name: string; cluster: Record<string, unknown> }[];
  users: { name: string; user: Record<string, unknown> }[];
  contexts: { name: string; context: Record<string, unknown> }[];
  'current-context': string;
}

/** A way to an API server. */
export interface Connection {
  readonly server: string;
  readonly token: string | undefined;
  readonly proxyUrl: string | undefined;
  readonly namespace: string;
  readonly tlsServerName: string | undefined;
}

const IN_CLUSTER = '/var/run/secrets/kubernetes.io/serviceaccount';

const named = (list: readonly unknown[], field: string): { name: string; value: Record<string, unknown> }[] =>
  list.map((entry) => ({ name: textAt(entry, 'name'), value: dictAt(entry, field) }));

export const parseKubeconfig = (text: string): Kubeconfig => {
  const parsed = text.trim() === '' ? {} : parseYaml(text);
  if (!isDict(parsed)) throw new Error("couldn't get version/kind; json parse error");
  return {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: named(listAt(parsed, 'clusters'), 'cluster').map(({ name, value }) => ({ name, cluster: value })),
    users: named(listAt(parsed, 'users'), 'user').map(({ name, value }) => ({ name, user: value })),
    contexts: named(listAt(parsed, 'contexts'), 'context').map(({ name, value }) => ({ name, context: value })),
    'current-context': textAt(parsed, 'current-context'),
  };
};

export const readKubeconfig = (file: string): Kubeconfig | undefined => {
  try {
    return parseKubeconfig(readFileSync(file, 'utf8'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
};

export const writeKubeconfig = (file: string, config: Kubeconfig): void => {
  writeFileSync(file, toYaml(config), { mode: 0o600 });
};

/** The file that is read and written when none is named. */
export const defaultKubeconfig = (): string =>
  (process.env.KUBECONFIG ?? '').split(':').find((path) => path !== '') ??
  `${process.env.HOME ?? '/root'}/.kube/config`;

/** What the files of `KUBECONFIG` come to together: of a name, and of the current context, the first one counts. */
const mergedKubeconfig = (): Kubeconfig | undefined => {
  const files = (process.env.KUBECONFIG ?? '').split(':').filter((path) => path !== '');
  const found = files.map(readKubeconfig).filter((config) => config !== undefined);
  if (found.length < 2) return found[0] ?? readKubeconfig(defaultKubeconfig());
  return {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: found.flatMap(({ clusters }) => clusters),
    users: found.flatMap(({ users }) => users),
    contexts: found.flatMap(({ contexts }) => contexts),
    'current-context': found.map((config) => config['current-context']).find((name) => name !== '') ?? '',
  };
};

const inCluster = (): Connection | undefined => {
  const host = process.env.KUBERNETES_SERVICE_HOST;
  if (host === undefined) return undefined;
  const server = `https://${host}:${process.env.KUBERNETES_SERVICE_PORT ?? '443'}`;
  try {
    const token = readFileSync(`${IN_CLUSTER}/token`, 'utf8').trim();
    return { server, token, proxyUrl: undefined, namespace: 'default', tlsServerName: undefined };
  } catch {
    return undefined;
  }
};

const tokenOf = (user: Record<string, unknown> | undefined): string | undefined => {
  const file = textAt(user, 'tokenFile');
  if (file === '') return textAt(user, 'token') || undefined;
  try {
    return readFileSync(file, 'utf8').trim();
  } catch {
    return undefined;
  }
};

/** An error of the client's own, worded as `kubectl` words it. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

export interface ConnectionOptions {
  /** File; default as `kubectl` looks for one. */
  readonly kubeconfig?: string | undefined;
  readonly context?: string | undefined;
}

/** Straight to a server, without a kubeconfig. */
export const straightTo = (server: string, token: string | undefined): Connection => ({
  server,
  token,
  proxyUrl: undefined,
  namespace: 'default',
  tlsServerName: undefined,
});

const NOWHERE = straightTo('http://localhost:8080', undefined);

/** Which server a context of a kubeconfig means, and how to get there. */
export const connectionOf = (options: ConnectionOptions = {}): Connection => {
  const { kubeconfig } = options;
  const config = kubeconfig === undefined ? mergedKubeconfig() : readKubeconfig(kubeconfig);
  if (config === undefined) {
    if (kubeconfig !== undefined) throw new ConfigError(`stat ${kubeconfig}: no such file or directory`);
    return inCluster() ?? NOWHERE;
  }
  const wanted = options.context ?? config['current-context'];
  const context = config.contexts.find(({ name }) => name === wanted)?.context;
  if (context === undefined && options.context !== undefined) {
    throw new ConfigError(`context "${wanted}" does not exist`);
  }
  const cluster = config.clusters.find(({ name }) => name === textAt(context, 'cluster'))?.cluster;
  const user = config.users.find(({ name }) => name === textAt(context, 'user'))?.user;
  if (cluster === undefined) return NOWHERE;
  return {
    server: textAt(cluster, 'server'),
    token: tokenOf(user),
    proxyUrl: textAt(cluster, 'proxy-url') || undefined,
    namespace: textAt(context, 'namespace') || 'default',
    tlsServerName: textAt(cluster, 'tls-server-name') || undefined,
  };
};
