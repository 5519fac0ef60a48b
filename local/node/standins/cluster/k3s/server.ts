import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { KubeClient } from '../client/kube-client.ts';
import { straightTo } from '../client/kubeconfig.ts';
import type { Door } from '../listen.ts';
import type { KubeObject } from '../object.ts';
import { isAddress } from '../place.ts';
import { Cluster } from '../server/cluster.ts';
import { customResource } from '../server/kinds.ts';
import { type Extra, serveCluster } from '../server/serve.ts';
import { toYaml } from '../yaml.ts';
import { Kubelet, VERSION } from './kubelet.ts';
import { fatal, type Settings } from './settings.ts';
import { basicAuth, fullToken, readToken } from './token.ts';

const KUBECONFIG = '/etc/rancher/k3s/k3s.yaml';
const PORT = 6443;
/** Under which every k3s node, server or agent, offers the API to what runs on it. */
const LOCAL_PORT = 6444;

const writePrivate = (path: string, text: string): void => {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text, { mode: 0o600 });
  chmodSync(path, 0o600);
};

/** Nobody among stand-ins reads what is in it: its bytes are what counts. */
const certificateIn = (settings: Settings): string => {
  const path = join(settings.dataDir, 'server/tls/server-ca.crt');
  if (!existsSync(path)) {
    const lines =
      randomBytes(384)
        .toString('base64')
        .match(/.{1,64}/g) ?? [];
    const pem = ['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----', ''].join('\n');
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, pem, { mode: 0o644 });
  }
  return readFileSync(path, 'utf8');
};

interface Secrets {
  readonly server: string;
  readonly agent: string;
}

const writeTokens = (settings: Settings, pem: string): Secrets => {
  const given = settings.secret('token') || randomBytes(16).toString('hex');
  const server = readToken(given).password;
  const agent = readToken(settings.secret('agent-token')).password || server;
  const folder = join(settings.dataDir, 'server');
  for (const name of ['token', 'node-token']) writePrivate(join(folder, name), `${fullToken(pem, 'server', server)}\n`);
  writePrivate(join(folder, 'agent-token'), `${fullToken(pem, 'node', agent)}\n`);
  return { server, agent };
};

const writeKubeconfig = (settings: Settings, pem: string, token: string): void => {
  const path = settings.get('write-kubeconfig', KUBECONFIG);
  const data = Buffer.from(pem).toString('base64');
  const config = {
    apiVersion: 'v1',
    clusters: [
      { cluster: { 'certificate-authority-data': data, server: `https://127.0.0.1:${PORT}` }, name: 'default' },
    ],
    contexts: [{ context: { cluster: 'default', user: 'default' }, name: 'default' }],
    'current-context': 'default',
    kind: 'Config',
    users: [{ name: 'default', user: { token } }],
  };
  writePrivate(path, toYaml(config));
  chmodSync(path, Number.parseInt(settings.get('write-kubeconfig-mode', '0600'), 8));
};

const addresses = (settings: Settings): string[] =>
  [...settings.list('tls-san'), settings.get('node-ip'), settings.get('advertise-address')].filter(
    (text) => text !== '',
  );

const doorsOf = (settings: Settings): Door[] => [
  ...['127.0.0.1', ...new Set(addresses(settings).filter(isAddress))].map((host) => ({ host, port: PORT })),
  { host: '127.0.0.1', port: LOCAL_PORT },
];

/** The tenth of the services is DNS, the first the API itself. */
const serviceAddress = (settings: Settings): string =>
  settings.get('service-cidr', '10.43.0.0/16').replace(/\.\d+\/\d+$/, '.1');

const clusterOf = (settings: Settings): Cluster =>
  new Cluster({
    file: process.env.STANDIN_KUBE_STATE ?? '/var/lib/standins/kube/state.json',
    version: VERSION,
    podSecurity: 'privileged',
    needsCni: settings.get('flannel-backend') === 'none',
    podCidr: settings.get('cluster-cidr', '10.42.0.0/16'),
    certificateNames: [
      ...addresses(settings),
      ...['127.0.0.1', 'localhost', 'kubernetes', 'kubernetes.default.svc', serviceAddress(settings)],
    ],
  });

const addon = (name: string): KubeObject => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name, namespace: 'kube-system', labels: { 'k8s-app': name } },
  spec: {
    replicas: 1,
    selector: { matchLabels: { 'k8s-app': name } },
    template: {
      metadata: { labels: { 'k8s-app': name } },
      spec: { containers: [{ name, image: `rancher/mirrored-${name}:1` }] },
    },
  },
});

const ADDONS = ['coredns', 'local-path-provisioner', 'metrics-server', 'traefik'];

const manifests = (settings: Settings): KubeObject[] => [
  customResource({ group: 'helm.cattle.io', version: 'v1', kind: 'HelmChart', plural: 'helmcharts', namespaced: true }),
  {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'kubernetes', namespace: 'default' },
    spec: { type: 'ClusterIP', clusterIP: serviceAddress(settings), ports: [{ name: 'https', port: 443 }] },
  },
  { apiVersion: 'node.k8s.io/v1', kind: 'RuntimeClass', metadata: { name: 'nvidia' }, handler: 'nvidia' },
  ...ADDONS.filter((name) => !settings.list('disable').includes(name)).map(addon),
];

/** What agents ask for before they know the cluster, and the door they have to pass. */
const joining = (pem: string, secrets: Secrets): Extra => {
  const admitted = [basicAuth('node', secrets.agent), basicAuth('server', secrets.server)];
  return (path, authorization) => {
    if (path === '/cacerts') return { status: 200, body: pem };
    if (!path.startsWith('/v1-k3s/')) return undefined;
    return admitted.includes(authorization) ? { status: 200, body: '{}' } : { status: 401, body: 'Unauthorized' };
  };
};

export interface Running {
  stop(): Promise<void>;
}

/** `k3s server`. */
export const startServer = async (settings: Settings): Promise<Running> => {
  if (settings.secret('token').startsWith('K10') && !existsSync(join(settings.dataDir, 'server/tls'))) {
    throw fatal(
      'starting kubernetes: preparing server: failed to normalize server token; must be in format K10<CA-HASH>::<USERNAME>:<PASSWORD> or <PASSWORD>',
    );
  }
  const pem = certificateIn(settings);
  const secrets = writeTokens(settings, pem);
  writeKubeconfig(settings, pem, secrets.server);
  const cluster = clusterOf(settings);
  for (const object of manifests(settings)) {
    const resource = cluster.store.resourceOfKind(object);
    if (resource !== undefined) cluster.apply(resource, object.metadata.namespace, object);
  }
  const api = await serveCluster(cluster, doorsOf(settings), joining(pem, secrets));
  const client = new KubeClient(straightTo(`http://127.0.0.1:${PORT}`, secrets.server));
  const kubelet = new Kubelet(client, settings);
  await kubelet.start();
  return {
    async stop() {
      await kubelet.stop();
      await api.close();
    },
  };
};
