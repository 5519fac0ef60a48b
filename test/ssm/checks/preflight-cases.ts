import { lighthouse, rules } from './preflight.ts';
import { CA_FINGERPRINT, CA_PEM, soundObjects } from './world.ts';

/** What one thing in the homelab is like, and what the preflight has to say of it. */
export interface Case {
  readonly name: string;
  readonly objects?: Readonly<Record<string, unknown>>;
  readonly parameters?: Readonly<Record<string, string>>;
  readonly denied?: readonly string[];
  readonly sans?: readonly string[];
  /** What kubectl says of the mesh door. */
  readonly door?: string;
  /** What liqoctl does. */
  readonly liqoctl?: string;
  /** Some words of each fault's members. */
  readonly faults?: readonly Readonly<Partial<Record<'check' | 'what' | 'got' | 'remedy', string>>>[];
  readonly notes?: readonly { readonly check: string; readonly text: string }[];
}

const affinity = (...terms: readonly unknown[]) => ({
  'daemonset/kube-system/cilium': {
    spec: {
      template: {
        spec: {
          affinity: {
            nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: terms } },
          },
        },
      },
    },
  },
});
const config = (data: Readonly<Record<string, string>>) => ({
  'configmap/kube-system/cilium-config': { data: { devices: 'en+', mtu: '0', ...data } },
});
const pool = (range: string) => config({ ipam: 'cluster-pool', 'cluster-pool-ipv4-cidr': range });

export const CILIUM = {
  none: {
    name: 'Cilium is skipped with a note where there is none',
    objects: { 'daemonset/kube-system/cilium': undefined },
    notes: [{ check: 'cilium', text: 'no Cilium' }],
  },
  forbidden: {
    name: 'Cilium may not be read',
    denied: ['daemonset/kube-system'],
    faults: [{ check: 'cilium', got: 'Forbidden' }],
  },
  devices: {
    name: 'Cilium picks its devices itself',
    objects: config({ devices: '' }),
    faults: [{ check: 'cilium-devices' }],
  },
  hostRouting: {
    name: 'Cilium routes past the tunnel',
    objects: config({ 'kube-proxy-replacement': 'strict', 'enable-bpf-masquerade': 'true' }),
    faults: [{ check: 'cilium-host-routing' }],
  },
  mtu: { name: 'Cilium has too small an MTU', objects: config({ mtu: '1249' }), faults: [{ check: 'cilium-mtu' }] },
  apart: {
    name: 'Cilium only has to keep off virtual nodes where networks stay apart, but by every alternative',
    objects: {
      ...config({ devices: '', mtu: '1200' }),
      ...affinity(
        { matchExpressions: [{ key: 'liqo.io/type', operator: 'DoesNotExist' }] },
        { matchExpressions: [{ key: 'x', operator: 'Exists' }] },
      ),
    },
    parameters: { Networking: 'false' },
    faults: [{ check: 'cilium-affinity' }],
    notes: [{ check: 'cilium', text: 'not looked at' }],
  },
  poolInside: { name: 'Cilium hands out addresses of its own pool, inside the range', objects: pool('10.244.0.0/16') },
  poolOutside: {
    name: 'Cilium hands out addresses of its own pool, outside the range',
    objects: pool('10.0.0.0/8'),
    faults: [{ check: 'ranges', what: 'pods live outside', got: "Cilium's pool" }],
  },
} satisfies Record<string, Case>;

const range = (name: string, what: string, parameters: Readonly<Record<string, string>>): Case => ({
  name,
  parameters,
  faults: [{ check: 'ranges', what }],
});
export const RANGES = {
  vpcPods: range('the VPC overlaps pods', 'overlaps the pods', { ForeignCidrs: '10.244.128.0/17' }),
  vpcServices: range('the VPC overlaps services', 'overlaps the services', {
    ForeignCidrs: '10.80.0.0/16,10.98.0.0/16',
  }),
  vpcNode: range('the VPC holds a node', 'a node of this cluster', { ForeignCidrs: '192.168.0.0/16' }),
  meshPods: range('the mesh overlaps pods', 'mesh overlaps the pods', {
    MeshCidr: '10.244.0.0/16',
    ServiceCidr: '10.96.0.0/12',
  }),
  meshServices: range('the mesh overlaps services in part', 'in part', { MeshCidr: '10.96.0.0/11' }),
  pods: range('pods live elsewhere', 'pods live outside', { PodCidr: '10.245.0.0/16' }),
  services: range('services live elsewhere', 'services live outside', { ServiceCidr: '10.112.0.0/12' }),
  workerAddress: {
    name: "a Service has the worker's mesh address",
    objects: {
      services: {
        items: [{ metadata: { namespace: 'media', name: 'plex' }, spec: { clusterIP: '10.100.2.1' } }],
      },
    },
    faults: [{ check: 'worker-address', got: 'media/plex' }],
  },
} satisfies Record<string, Case>;

const DOOR_DEPLOYMENT = 'deployment/carrierarr-mesh/mesh-door';
const DOOR_NAMESPACE = 'namespace/carrierarr-mesh';
export const DOOR = {
  absent: {
    name: 'the mesh door is not there',
    objects: { [DOOR_DEPLOYMENT]: undefined },
    faults: [{ check: 'mesh-door', what: 'not up' }],
  },
  notUp: {
    name: 'the mesh door is not up',
    objects: { [DOOR_DEPLOYMENT]: { status: {} } },
    faults: [{ check: 'mesh-door', what: 'not up' }],
  },
  silent: {
    name: 'the mesh door does not answer',
    door: 'proxyconnect tcp: dial tcp 10.96.4.4:3128: connect: connection refused',
    faults: [{ check: 'mesh-door', what: 'does not answer' }],
  },
  open: {
    name: 'the mesh door grants every port',
    door: 'EOF',
    faults: [{ check: 'mesh-door', what: 'lets everybody open any port' }],
  },
  noNamespace: {
    name: 'the mesh door has no namespace',
    objects: { [DOOR_NAMESPACE]: undefined },
    faults: [{ check: 'namespaces', what: 'there is no namespace' }],
  },
  unprivileged: {
    name: 'the mesh door may not run privileged pods',
    objects: { [DOOR_NAMESPACE]: { metadata: {} } },
    faults: [{ check: 'namespaces', what: 'would refuse the pods', got: 'no label' }],
  },
  unused: {
    name: 'the mesh door is not looked at where none is used',
    objects: { [DOOR_DEPLOYMENT]: undefined, [DOOR_NAMESPACE]: undefined },
    parameters: { ProxyUrl: '' },
  },
} satisfies Record<string, Case>;

const liqo = (name: string, liqoctl: string, allowUpgrade: string, what?: string): Case => ({
  name: `Liqo is there: ${name}`,
  objects: { 'deployment/liqo/liqo-controller-manager': { status: { availableReplicas: 1 } } },
  parameters: { AllowUpgrade: allowUpgrade },
  liqoctl,
  faults: what === undefined ? [] : [{ check: 'liqo', what }],
});
const says = (clusterID: string, version: string) =>
  `printf '\\033[32m%s\\033[0m' '${JSON.stringify({ local: { clusterID, version } })}'`;
export const LIQO = {
  same: liqo('the same', says('catalyst-homelab', 'v1.2.0'), 'false'),
  sameOtherwise: liqo('the same, written otherwise', says('catalyst-homelab', '1.2.0'), 'false'),
  upgrade: liqo('older, upgrades allowed', says('catalyst-homelab', 'v1.1.2'), 'true'),
  older: liqo('older', says('catalyst-homelab', 'v1.1.2'), 'false', 'another version'),
  stranger: liqo('under another id', says('homelab', 'v1.2.0'), 'true', 'another cluster id'),
  silent: liqo('it does not say what it is', 'exit 1', 'false', 'does not say what it is'),
} satisfies Record<string, Case>;

export const RIGHTS = {
  installer: {
    name: 'the installer is missing where Liqo is to be installed',
    denied: ['create customresourcedefinitions.apiextensions.k8s.io'],
    faults: [{ check: 'rights', remedy: 'installer' }],
  },
  operator: {
    name: 'the operator is not bound',
    denied: ['list nodes'],
    faults: [{ check: 'rights', remedy: 'carrierarr-operator' }],
  },
} satisfies Record<string, Case>;

const CONFIG = 'configmap/nebula/nebula-config';
const DEPLOYMENT = 'deployment/nebula/nebula-lighthouse';
/** The lighthouse with these volumes for its certificates. */
const mounting = (volume: unknown): Record<string, unknown> => {
  const deployment = structuredClone(soundObjects()[DEPLOYMENT]) as {
    spec: { template: { spec: { volumes: unknown[] } } };
  };
  deployment.spec.template.spec.volumes = [volume];
  return { [DEPLOYMENT]: deployment };
};
const lacks = (what: string, objects: Readonly<Record<string, unknown>>): Case => ({
  name: `the lighthouse has ${what}`,
  objects,
  faults: [{ check: 'lighthouse' }],
});
export const LIGHTHOUSE = {
  otherwise: {
    name: 'the lighthouse has rules in flow style, with comments, anchors and Windows line ends, and its CA in a Secret',
    objects: {
      [CONFIG]: {
        data: {
          'config.yml': [
            '--- # the lighthouse',
            'pki: {ca: /config/certs/ca.crt}',
            'defaults: &workers {proto: tcp, group: workers}',
            'firewall:',
            "  inbound: [{port: any, proto: icmp, host: any}, {<<: *workers, port: 50051, 'proto': tcp}]",
          ].join('\r\n'),
        },
      },
      ...mounting({ name: 'certs', secret: { secretName: 'certs', items: [{ key: 'bundle', path: 'ca.crt' }] } }),
      'secret/nebula/certs': { data: { bundle: Buffer.from(CA_PEM).toString('base64') } },
    },
  },
  inline: {
    name: "the lighthouse has its CA in its configuration, among others, and the API's certificate its mesh address",
    objects: lighthouse({
      pki: { ca: `# ours\n${CA_PEM.replace(/\n[A-Za-z0-9+/]{8}/, '\nAAAAAAAA')}\n${CA_PEM}` },
      firewall: { inbound: [{ port: 'any', proto: 'any', host: 'any' }] },
    }),
    parameters: { Provides: 'true' },
    sans: ['10.100.0.1'],
  },
  unreadable: {
    name: 'the lighthouse is open too far, advertises pods and has its CA in a Secret that may not be read: notes',
    objects: {
      ...lighthouse({
        lighthouse: { am_lighthouse: true },
        firewall: {
          inbound: [
            { port: 22, proto: 'tcp', group: 'workers' },
            { port: 50_051, proto: 'tcp', group: 'workers' },
          ],
        },
      }),
      ...mounting({ name: 'certs', secret: { secretName: 'certs' } }),
    },
    denied: ['secret/nebula'],
    notes: [
      { check: 'lighthouse', text: 'workers may open tcp 22' },
      { check: 'lighthouse', text: 'addresses of pods are advertised' },
      { check: 'lighthouse-trust', text: 'unchecked' },
    ],
  },
  stranger: {
    name: "the lighthouse does not trust the fleet, and the API's certificate lacks its mesh address",
    objects: rules({ port: 'any', proto: 'tcp', group: 'workers' }),
    parameters: { CaFingerprint: 'a'.repeat(64), Provides: 'true' },
    faults: [
      { check: 'lighthouse-trust', got: CA_FINGERPRINT },
      { check: 'api-certificate', got: 'x509' },
    ],
  },
  noConfiguration: lacks('no configuration', { [CONFIG]: undefined }),
  noDeployment: lacks('no Deployment', { [DEPLOYMENT]: undefined }),
  noYaml: lacks('a configuration that is no YAML', { [CONFIG]: { data: { 'config.yml': 'a: [b' } } }),
  empty: lacks('an empty configuration', { [CONFIG]: { data: {} } }),
} satisfies Record<string, Case>;
