import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { FlagError, type FlagSpec, type Flags, parseFlags } from '../flags.ts';
import { isDict } from '../object.ts';
import { Exit } from '../program.ts';
import { parseYaml } from '../yaml.ts';

export type Role = 'server' | 'agent';

const CONFIG = '/etc/rancher/k3s/config.yaml';

const AGENT: FlagSpec = {
  switches: [
    'debug',
    'docker',
    'protect-kernel-defaults',
    'selinux',
    'rootless',
    'disable-default-registry-endpoint',
    'prefer-bundled-bin',
  ],
  values: [
    ...['config', 'token', 'token-file', 'server', 'data-dir', 'node-name', 'node-label', 'node-taint', 'node-ip'],
    ...['node-external-ip', 'node-internal-dns', 'node-external-dns', 'resolv-conf', 'kubelet-arg', 'kube-proxy-arg'],
    ...['container-runtime-endpoint', 'default-runtime', 'flannel-iface', 'flannel-conf', 'private-registry', 'v'],
    ...['bind-address', 'lb-server-port', 'pause-image', 'snapshotter', 'vpn-auth', 'image-credential-provider-config'],
  ],
  short: { c: 'config', t: 'token', s: 'server', d: 'data-dir', v: 'v', i: 'node-ip' },
};

const SERVER: FlagSpec = {
  switches: [
    ...(AGENT.switches ?? []),
    ...['disable-network-policy', 'disable-kube-proxy', 'disable-helm-controller', 'disable-cloud-controller'],
    ...[
      'disable-scheduler',
      'disable-apiserver',
      'disable-etcd',
      'disable-agent',
      'cluster-init',
      'secrets-encryption',
    ],
    ...['flannel-ipv6-masq', 'flannel-external-ip', 'embedded-registry', 'egress-selector-mode', 'cluster-reset'],
  ],
  values: [
    ...(AGENT.values ?? []),
    ...['agent-token', 'agent-token-file', 'advertise-address', 'advertise-port', 'https-listen-port', 'tls-san'],
    ...[
      'flannel-backend',
      'disable',
      'cluster-cidr',
      'service-cidr',
      'cluster-dns',
      'cluster-domain',
      'write-kubeconfig',
    ],
    ...['write-kubeconfig-mode', 'write-kubeconfig-group', 'service-node-port-range', 'datastore-endpoint'],
    ...['kube-apiserver-arg', 'kube-controller-manager-arg', 'kube-scheduler-arg', 'etcd-arg', 'supervisor-metrics'],
  ],
  short: AGENT.short ?? {},
};

export const fatal = (message: string): Exit => {
  const time = new Date().toISOString().replace(/\.\d+Z$/, 'Z');
  return new Exit(1, `time="${time}" level=fatal msg=${JSON.stringify(message)}`);
};

/** The configuration file as the arguments it stands for. */
const argumentsIn = (file: string): string[] => {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    return [];
  }
  const settings = parseYaml(text);
  if (!isDict(settings)) throw fatal(`failed to load config ${file}: not a map`);
  return Object.entries(settings).flatMap(([key, value]) =>
    (Array.isArray(value) ? value : [value]).map((entry) => `--${key}=${String(entry)}`),
  );
};

/** What a k3s of v1.31 was told, by its command line and its configuration file. */
export class Settings {
  readonly role: Role;
  readonly #flags: Flags;

  constructor(role: Role, argv: readonly string[]) {
    this.role = role;
    const spec = role === 'server' ? SERVER : AGENT;
    try {
      const file = parseFlags(argv, spec).get('config') ?? CONFIG;
      this.#flags = parseFlags([...argumentsIn(file), ...argv], spec);
    } catch (error) {
      if (!(error instanceof FlagError)) throw error;
      const name = error.message.replace(/^.*-/, '');
      const [, flag = name] = /--?([a-z0-9-]+)/.exec(error.message) ?? [];
      process.stdout.write(`Incorrect Usage: flag provided but not defined: -${flag}\n\n`);
      throw fatal(`flag provided but not defined: -${flag}`);
    }
  }

  get(name: string, otherwise = ''): string {
    return this.#flags.get(name) ?? otherwise;
  }

  on(name: string): boolean {
    return this.#flags.on(name);
  }

  /** Of a flag that may be given several times, or once with commas. */
  list(name: string): string[] {
    return this.#flags.all(name).flatMap((value) => value.split(','));
  }

  get nodeName(): string {
    return this.get('node-name', hostname());
  }

  get dataDir(): string {
    return this.get('data-dir', '/var/lib/rancher/k3s');
  }

  /** A token given as such or by file. @throws Exit where the file cannot be read */
  secret(name: 'token' | 'agent-token'): string {
    const file = this.get(`${name}-file`);
    if (file === '') return this.get(name);
    try {
      return readFileSync(file, 'utf8').trim();
    } catch {
      throw fatal(`open ${file}: no such file or directory`);
    }
  }
}
