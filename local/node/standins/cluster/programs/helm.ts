import { KubeClient } from '../client/kube-client.ts';
import { DialError } from '../dial.ts';
import { commandWords, FlagError, type FlagSpec, type Flags, parseFlags } from '../flags.ts';
import { lastRevision, type Release, revisions } from '../helm-store.ts';
import { Exit, printJson, runProgram } from '../program.ts';
import { ProxyError } from '../proxy.ts';
import { toYaml } from '../yaml.ts';

const GLOBAL: FlagSpec = {
  switches: ['debug', 'help'],
  values: ['kubeconfig', 'kube-context', 'namespace', 'kube-apiserver', 'kube-token', 'burst-limit', 'qps'],
  short: { n: 'namespace', h: 'help' },
};
const SPEC: Readonly<Record<string, FlagSpec>> = {
  list: {
    switches: [
      'all',
      'all-namespaces',
      'deployed',
      'failed',
      'pending',
      'superseded',
      'uninstalled',
      'short',
      'date',
      'no-headers',
    ],
    values: ['filter', 'output', 'max', 'offset', 'selector', 'time-format'],
    short: { a: 'all', A: 'all-namespaces', f: 'filter', o: 'output', q: 'short', m: 'max', l: 'selector' },
  },
  get: { switches: ['all'], values: ['output', 'revision'], short: { a: 'all', o: 'output' } },
  status: { switches: ['show-desc', 'show-resources'], values: ['output', 'revision'], short: { o: 'output' } },
  history: { switches: [], values: ['output', 'max'], short: { o: 'output' } },
  version: { switches: ['short', 'client'], values: ['template'], short: {} },
};

const asListed = ({
  name,
  namespace,
  revision,
  updated,
  status,
  chart,
  appVersion,
}: Release): Record<string, string> => ({
  name,
  namespace,
  revision: String(revision),
  updated,
  status,
  chart,
  app_version: appVersion,
});

const show = (flags: Flags, value: unknown, text: () => string): void => {
  const format = flags.get('output') ?? 'table';
  if (format === 'json') printJson(value);
  else if (format === 'yaml') process.stdout.write(toYaml(value));
  else if (format === 'table') process.stdout.write(text());
  else throw new Exit(1, 'Error: invalid argument: invalid format type');
};

const SHOWN = ['deployed', 'failed'];

const list = async (client: KubeClient, namespace: string, flags: Flags): Promise<void> => {
  const latest = new Map<string, Release>();
  const all = await revisions(client, flags.on('all-namespaces') ? undefined : namespace);
  for (const release of all) latest.set(`${release.namespace}/${release.name}`, release);
  const filter = new RegExp(flags.get('filter') ?? '');
  const wanted = flags.on('pending') ? ['pending-install', 'pending-upgrade', 'pending-rollback'] : SHOWN;
  const found = [...latest.values()].filter(
    ({ name, status }) => filter.test(name) && (flags.on('all') || wanted.includes(status)),
  );
  if (flags.on('short')) process.stdout.write(found.map(({ name }) => `${name}\n`).join(''));
  else {
    const rows = found.map((release) => Object.values(asListed(release)).join('\t'));
    const title = 'NAME\tNAMESPACE\tREVISION\tUPDATED\tSTATUS\tCHART\tAPP VERSION';
    show(flags, found.map(asListed), () => `${[title, ...rows].join('\n')}\n`);
  }
};

const named = async (client: KubeClient, namespace: string, name = ''): Promise<Release> => {
  const release = await lastRevision(client, namespace, name);
  if (release === undefined) throw new Exit(1, 'Error: release: not found');
  return release;
};

const get = async (client: KubeClient, namespace: string, flags: Flags): Promise<void> => {
  const [, what, name] = flags.positional;
  if (what !== 'values') throw new Exit(1, `Error: unknown command "${what ?? ''}" for "helm get"`);
  const { values } = await named(client, namespace, name);
  const printed = Object.keys(values).length === 0 ? null : values;
  show(flags, printed, () => `USER-SUPPLIED VALUES:\n${toYaml(printed)}`);
};

const status = async (client: KubeClient, namespace: string, flags: Flags): Promise<void> => {
  const release = await named(client, namespace, flags.positional[1]);
  const { name, revision: version, status: state, values: config, updated } = release;
  const value = { name, info: { status: state, last_deployed: updated }, config, version, namespace };
  show(flags, value, () => `NAME: ${name}\nNAMESPACE: ${namespace}\nSTATUS: ${state}\nREVISION: ${version}\n`);
};

const history = async (client: KubeClient, namespace: string, flags: Flags): Promise<void> => {
  await named(client, namespace, flags.positional[1]);
  const all = await revisions(client, namespace, flags.positional[1]);
  show(flags, all.map(asListed), () => all.map((release) => `${release.revision}\t${release.status}\n`).join(''));
};

const unreachable = (error: unknown): Exit => {
  if (error instanceof Exit) return error;
  const text = error instanceof Error ? error.message : String(error);
  if (error instanceof FlagError) return new Exit(1, `Error: ${text}`);
  const isFar = error instanceof DialError || error instanceof ProxyError;
  return new Exit(1, isFar ? `Error: Kubernetes cluster unreachable: ${text}` : `Error: ${text}`);
};

const ALIASES: Readonly<Record<string, string>> = { ls: 'list', hist: 'history' };
const verbOf = (argv: readonly string[]): string | undefined => {
  const [word = ''] = commandWords(argv, GLOBAL);
  return ALIASES[word] ?? (word === '' ? undefined : word);
};

const main = async (argv: readonly string[]): Promise<number> => {
  const verb = verbOf(argv) ?? '';
  const spec = SPEC[verb];
  if (spec === undefined) throw new Exit(1, `Error: unknown command "${verb}" for "helm"`);
  try {
    const flags = parseFlags(argv, {
      switches: [...(GLOBAL.switches ?? []), ...(spec.switches ?? [])],
      values: [...(GLOBAL.values ?? []), ...(spec.values ?? [])],
      short: { ...GLOBAL.short, ...spec.short },
    });
    if (verb === 'version') {
      process.stdout.write('version.BuildInfo{Version:"v3.16.3", GitTreeState:"clean", GoVersion:"go1.22.7"}\n');
      return 0;
    }
    const client = KubeClient.open({ kubeconfig: flags.get('kubeconfig'), context: flags.get('kube-context') });
    const namespace = flags.get('namespace') ?? client.config.namespace;
    const commands = { list, get, status, history };
    await commands[verb as keyof typeof commands](client, namespace, flags);
    return 0;
  } catch (error) {
    throw unreachable(error);
  }
};

await runProgram('helm', verbOf, main);
