import { readFileSync } from 'node:fs';
import { KubeClient } from '../client/kube-client.ts';
import { connectionOf } from '../client/kubeconfig.ts';
import { FlagError, type FlagSpec, type Flags } from '../flags.ts';
import { isKubeObject, type KubeObject, listAt } from '../object.ts';
import { Exit, readInput } from '../program.ts';
import type { Resource } from '../server/kinds.ts';
import { parseDocuments } from '../yaml.ts';

/** Flags that every command of kubectl v1.31 has. */
export const GLOBAL: FlagSpec = {
  switches: ['insecure-skip-tls-verify', 'match-server-version', 'warnings-as-errors', 'disable-compression', 'help'],
  values: [
    ...['kubeconfig', 'context', 'cluster', 'user', 'namespace', 'request-timeout', 'server', 'token', 'v'],
    ...['tls-server-name', 'certificate-authority', 'client-certificate', 'client-key', 'cache-dir', 'as', 'as-group'],
  ],
  short: { n: 'namespace', s: 'server', v: 'v', h: 'help' },
};

export const merged = (spec: FlagSpec): FlagSpec => ({
  switches: [...(GLOBAL.switches ?? []), ...(spec.switches ?? [])],
  values: [...(GLOBAL.values ?? []), ...(spec.values ?? [])],
  short: { ...GLOBAL.short, ...spec.short },
});

/** A length of time as Go writes it: `90s`, `5m`, `1m30s`, `300ms`; `0` is none. In milliseconds. */
export const durationOf = (text: string): number => {
  if (/^\d+$/.test(text)) return Number(text) * 1000;
  const units: Readonly<Record<string, number>> = { h: 3_600_000, m: 60_000, s: 1000, ms: 1 };
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|h|m|s)/g)];
  if (parts.length === 0 || parts.map(([all]) => all).join('') !== text) {
    throw new FlagError(`invalid argument "${text}": time: invalid duration "${text}"`);
  }
  return parts.reduce((sum, [, count, unit = 's']) => sum + Number(count) * (units[unit] ?? 0), 0);
};

/** One call of kubectl. */
export class Session {
  readonly flags: Flags;
  readonly verb: string;
  readonly words: readonly string[];
  #client: KubeClient | undefined;

  constructor(verb: string, flags: Flags) {
    this.verb = verb;
    this.flags = flags;
    this.words = flags.positional.slice(1);
  }

  get client(): KubeClient {
    if (this.#client !== undefined) return this.#client;
    const { flags } = this;
    const connection = connectionOf({
      kubeconfig: flags.get('kubeconfig') || undefined,
      context: flags.get('context'),
    });
    const timeout = flags.get('request-timeout') ?? '0';
    const settings = {
      ...connection,
      server: flags.get('server') ?? connection.server,
      token: flags.get('token') ?? connection.token,
      tlsServerName: flags.get('tls-server-name') ?? connection.tlsServerName,
    };
    this.#client = new KubeClient(settings, timeout === '0' ? 600_000 : durationOf(timeout));
    return this.#client;
  }

  get namespace(): string {
    return this.flags.get('namespace') || this.client.config.namespace;
  }

  /** Where to look for objects of this kind; undefined: everywhere. */
  scope(resource: Resource): string | undefined {
    if (!resource.namespaced || this.flags.on('all-namespaces')) return undefined;
    return this.namespace;
  }

  /** The kinds and names meant by `TYPE NAME…`, `TYPE/NAME …` or `TYPE,TYPE`. */
  targets(words: readonly string[] = this.words): { type: string; name: string | undefined }[] {
    const [first = '', ...names] = words;
    if (first === '') throw new Exit(1, 'error: You must specify the type of resource');
    if (first.includes('/')) {
      return words.map((word) => {
        const [type = '', name] = word.split('/');
        return { type, name };
      });
    }
    const types = first.split(',');
    if (names.length === 0) return types.map((type) => ({ type, name: undefined }));
    return names.flatMap((name) => types.map((type) => ({ type, name })));
  }

  /** Objects in the files of `-f`; `-` is standard input. */
  async manifests(): Promise<KubeObject[]> {
    const files = this.flags.all('filename');
    if (files.length === 0) throw new Exit(1, 'error: must specify one of -f and -k');
    const texts = await Promise.all(files.map((file) => textOf(file)));
    return texts.flatMap(objectsIn);
  }
}

export const textOf = async (file: string): Promise<string> => {
  if (file === '-') return await readInput();
  try {
    return readFileSync(file, 'utf8');
  } catch {
    throw new Exit(1, `error: the path "${file}" does not exist`);
  }
};

const unfold = (value: unknown): KubeObject[] => {
  if (value === null || value === undefined) return [];
  const items = listAt(value, 'items');
  if (isKubeObject(value) && !value.kind.endsWith('List')) return [value];
  if (items.length > 0 || (typeof value === 'object' && 'items' in value)) return items.flatMap(unfold);
  throw new Exit(1, 'error: unable to decode "STDIN": Object \'Kind\' is missing');
};

const documentsIn = (text: string): unknown[] => {
  try {
    return parseDocuments(text);
  } catch (error) {
    throw new Exit(1, `error: error parsing STDIN: error converting YAML to JSON: yaml: ${String(error)}`);
  }
};

export const objectsIn = (text: string): KubeObject[] => {
  const objects = documentsIn(text).flatMap(unfold);
  if (objects.length === 0) throw new Exit(1, 'error: no objects passed to apply');
  return objects;
};

/** A name as messages have it: `node/a`, `deployment.apps/b`. */
export const shown = ({ kind, group }: Pick<Resource, 'kind' | 'group'>, name: string): string =>
  `${kind.toLowerCase()}${group === '' ? '' : `.${group}`}/${name}`;
