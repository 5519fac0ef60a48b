import type { KubeObject } from './object.ts';
import { STANDINS, wiresHere } from './place.ts';
import { Cluster } from './server/cluster.ts';
import { type CustomKind, customResource } from './server/kinds.ts';
import { LOG_FILE_ANNOTATION } from './server/pod-log.ts';

export interface HomelabOptions {
  /** File that keeps it; one with something in it is taken as it is. */
  readonly file?: string | undefined;
  /** `config.yml` of the lighthouse. */
  readonly lighthouseConfig?: string;
  /** PEM of the CAs that the lighthouse trusts. */
  readonly trustedCas?: string;
  /** Changes of `cilium-config`; null takes a value away. */
  readonly cilium?: Readonly<Record<string, string | null>>;
  /** Whether Cilium's DaemonSet keeps off Liqo's virtual nodes. @default true */
  readonly affinity?: boolean;
  /** Names on the API server's certificate beyond those Talos puts there. */
  readonly certificateNames?: readonly string[];
}

const NODES = ['talos00', 'talos01', 'talos02'];
const LABEL = 'pod-security.kubernetes.io';
const PRIVILEGED = {
  [`${LABEL}/enforce`]: 'privileged',
  [`${LABEL}/audit`]: 'privileged',
  [`${LABEL}/warn`]: 'privileged',
};
const RESTRICTED = {
  [`${LABEL}/enforce`]: 'restricted',
  [`${LABEL}/audit`]: 'restricted',
  [`${LABEL}/warn`]: 'restricted',
};

/** The values Cilium's chart leaves in `cilium-config` on the homelab as Liqo wants it. */
const CILIUM_CONFIG: Readonly<Record<string, string>> = {
  'cluster-id': '1',
  'cluster-name': 'catalyst-homelab',
  'cluster-pool-ipv4-cidr': '10.244.0.0/16',
  devices: 'en+',
  'enable-bpf-masquerade': 'true',
  'enable-host-legacy-routing': 'true',
  'enable-ipv4': 'true',
  ipam: 'kubernetes',
  'ipv4-native-routing-cidr': '10.100.0.0/16',
  'kube-proxy-replacement': 'true',
  mtu: '1250',
  'routing-mode': 'tunnel',
  'tunnel-protocol': 'vxlan',
};

const LIGHTHOUSE_CONFIG = `pki: {ca: /etc/nebula/ca.crt, cert: /etc/nebula/host.crt, key: /etc/nebula/host.key}
lighthouse: {am_lighthouse: true, interval: 60}
listen: {host: 0.0.0.0, port: 4242}
punchy: {punch: true, respond: true}
relay: {am_relay: true, use_relays: true}
tun: {dev: nebula0, mtu: 1300}
firewall:
  outbound:
    - {port: any, proto: any, host: any}
  inbound:
    - {port: any, proto: icmp, host: any}
    - {port: any, proto: any, group: lighthouse}
    - {port: 50051, proto: tcp, group: workers}
`;

const namespace = (name: string, labels: Record<string, string> = {}): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Namespace',
  metadata: { name, labels },
});

const BASELINE = { [`${LABEL}/enforce`]: 'baseline' };

const node = (name: string, index: number): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: {
    name,
    labels: {
      'kubernetes.io/hostname': name,
      'kubernetes.io/os': 'linux',
      ...(index === 0 ? { 'node-role.kubernetes.io/control-plane': '' } : {}),
    },
  },
  spec: { podCIDR: `10.244.${index}.0/24` },
  status: {
    addresses: [
      { type: 'InternalIP', address: `192.168.1.${54 + index}` },
      { type: 'Hostname', address: name },
    ],
    nodeInfo: { kubeletVersion: 'v1.34.1', osImage: 'Talos (v1.13.0)' },
    capacity: { cpu: '8', memory: '32Gi', pods: '110' },
    allocatable: { cpu: '8', memory: '31Gi', pods: '110' },
  },
});

interface Pod {
  readonly image: string;
  readonly labels?: Record<string, string>;
  readonly [field: string]: unknown;
}

const UNPRIVILEGED = { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } };

const workload = (
  kind: 'Deployment' | 'DaemonSet',
  at: { name: string; namespace: string },
  pod: Pod,
  annotations: Record<string, string> = {},
): KubeObject => {
  const {
    image = 'registry.local/app:1',
    labels = {},
    ...spec
  } = pod as { image?: string; labels?: Record<string, string> };
  const app = { app: at.name, ...labels };
  const container = {
    name: at.name,
    image,
    ...(pod.securityContext === undefined ? {} : { securityContext: UNPRIVILEGED }),
  };
  const template = { metadata: { labels: app, annotations }, spec: { ...spec, containers: [container] } };
  const replicas = kind === 'Deployment' ? { replicas: 1 } : {};
  return { apiVersion: 'apps/v1', kind, metadata: at, spec: { ...replicas, selector: { matchLabels: app }, template } };
};

const service = (name: string, at: string, clusterIP: string, ports: Record<string, number>): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name, namespace: at },
  spec: { type: 'ClusterIP', clusterIP, ports: Object.entries(ports).map(([label, port]) => ({ name: label, port })) },
});

const configMap = (name: string, at: string, data: Record<string, string>): KubeObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace: at },
  data,
});

const OFF_VIRTUAL_NODES = {
  nodeAffinity: {
    requiredDuringSchedulingIgnoredDuringExecution: {
      nodeSelectorTerms: [{ matchExpressions: [{ key: 'liqo.io/type', operator: 'DoesNotExist' }] }],
    },
  },
};

const cilium = ({ cilium: changes = {}, affinity = true }: HomelabOptions): KubeObject[] => {
  const data = Object.entries({ ...CILIUM_CONFIG, ...changes }).filter(
    (entry): entry is [string, string] => entry[1] !== null,
  );
  const labels = { 'k8s-app': 'cilium' };
  const pod = {
    image: 'quay.io/cilium/cilium:v1.20.0',
    labels,
    hostNetwork: true,
    ...(affinity ? { affinity: OFF_VIRTUAL_NODES } : {}),
  };
  return [
    configMap('cilium-config', 'kube-system', Object.fromEntries(data)),
    workload(
      'DaemonSet',
      { name: 'cilium', namespace: 'kube-system' },
      { ...pod, tolerations: [{ operator: 'Exists' }] },
    ),
  ];
};

const mesh = (options: HomelabOptions): KubeObject[] => {
  const onFirst = { hostNetwork: true, nodeSelector: { 'kubernetes.io/hostname': 'talos00' } };
  const log = { [LOG_FILE_ANNOTATION]: `${wiresHere() ?? STANDINS}/lighthouse.log` };
  const door = { ...onFirst, image: 'registry.local/carrierarr/mesh-door:1' };
  const lighthouse = { ...onFirst, image: 'nebulaoss/nebula:1.9.7' };
  return [
    configMap('nebula-config', 'nebula', {
      'config.yml': options.lighthouseConfig ?? LIGHTHOUSE_CONFIG,
      'ca.crt': options.trustedCas ?? '',
    }),
    workload('Deployment', { name: 'nebula-lighthouse', namespace: 'nebula' }, lighthouse, log),
    workload('Deployment', { name: 'mesh-door', namespace: 'carrierarr-mesh' }, door),
    service('mesh-door', 'carrierarr-mesh', '10.96.31.28', { proxy: 3128 }),
  ];
};

const controlPlane = (): KubeObject[] => [
  workload(
    'Deployment',
    { name: 'carrierarr-control-plane', namespace: 'carrierarr' },
    {
      image: 'registry.local/carrierarr/control-plane:1',
      securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
    },
  ),
  service('carrierarr-control-plane', 'carrierarr', '10.96.50.51', { grpc: 50_051, http: 8090 }),
];

const MONITORING: readonly CustomKind[] = ['PodMonitor', 'ServiceMonitor', 'PrometheusRule'].map((kind) => ({
  group: 'monitoring.coreos.com',
  version: 'v1',
  kind,
  plural: `${kind.toLowerCase()}s`,
  namespaced: true,
}));

/** Everything that is in the homelab before Carrierarr touches it, prepared as `docs/homelab.md` says. */
export const homelabObjects = (options: HomelabOptions = {}): KubeObject[] => [
  namespace('nebula', PRIVILEGED),
  namespace('carrierarr-mesh', PRIVILEGED),
  namespace('carrierarr-ssm', BASELINE),
  namespace('carrierarr-check', BASELINE),
  namespace('carrierarr', RESTRICTED),
  ...NODES.map(node),
  service('kubernetes', 'default', '10.96.0.1', { https: 443 }),
  ...MONITORING.map(customResource),
  ...cilium(options),
  ...mesh(options),
  ...controlPlane(),
];

const TALOS_NAMES = ['10.96.0.1', '192.168.1.54', '127.0.0.1', 'localhost', 'talos00', 'kubernetes.default.svc'];

/** A cluster like the homelab's: Talos, three nodes, Cilium, PodSecurity baseline, a Nebula lighthouse on the first. */
export const makeHomelabCluster = (options: HomelabOptions = {}): Cluster => {
  const cluster = new Cluster({
    file: options.file,
    version: 'v1.34.1',
    podSecurity: 'baseline',
    needsCni: true,
    certificateNames: [...TALOS_NAMES, ...(options.certificateNames ?? [])],
  });
  for (const object of homelabObjects(options)) {
    const resource = cluster.store.resourceOfKind(object);
    if (resource === undefined) throw new Error(`the homelab has an object of an unknown kind ${object.kind}`);
    const { namespace: at, name } = object.metadata;
    if (cluster.find(resource, at, name) === undefined) cluster.create(resource, at, object);
  }
  return cluster;
};
