import { type Dict, dig, isDict, type KubeObject, listAt, textAt } from '../object.ts';

const NAMESPACE = 'kube-system';

/** Fault that the chart's own validation finds; undefined: none. */
export const chartFault = (values: Dict): string | undefined => {
  const name = textAt(values, 'cluster', 'name') || 'default';
  const id = Number(textAt(values, 'cluster', 'id') || '0');
  const at = 'execution error at (cilium/templates/validate.yaml:58:5)';
  if (name.length > 32) return `${at}: The cluster name is invalid: must not be more than 32 characters`;
  if (!/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/.test(name)) {
    return `${at}: The cluster name is invalid: must consist of lower case alphanumeric characters and '-'`;
  }
  if (id !== 0 && name === 'default')
    return `${at}: The cluster name is invalid: cannot use default value with cluster.id != 0`;
  return id < 0 || id > 255 ? `${at}: The cluster id must be between 0 and 255` : undefined;
};

/** Keys of `cilium-config`, each with the value of the chart it is made from and what it is without one. */
const CONFIG: readonly (readonly [string, string, string])[] = [
  ['cluster-name', 'cluster.name', 'default'],
  ['cluster-id', 'cluster.id', '0'],
  ['ipam', 'ipam.mode', 'cluster-pool'],
  ['kube-proxy-replacement', 'kubeProxyReplacement', 'false'],
  ['enable-bpf-masquerade', 'bpf.masquerade', 'false'],
  ['enable-host-legacy-routing', 'bpf.hostLegacyRouting', 'false'],
  ['enable-hubble', 'hubble.enabled', 'true'],
  ['routing-mode', 'routingMode', 'tunnel'],
  ['tunnel-protocol', 'tunnelProtocol', 'vxlan'],
  ['max-connected-clusters', 'clustermesh.maxConnectedClusters', '255'],
  ['bpf-lb-sock-hostns-only', 'socketLB.hostNamespaceOnly', 'false'],
  ['ipv4-native-routing-cidr', 'ipv4NativeRoutingCIDR', ''],
  ['mtu', 'MTU', ''],
];

const configMap = (values: Dict): KubeObject => {
  const data: Record<string, string> = {};
  for (const [key, path, otherwise] of CONFIG) {
    const value = textAt(values, ...path.split('.')) || otherwise;
    if (value !== '' && !(key === 'mtu' && value === '0')) data[key] = value;
  }
  const devices = dig(values, 'devices');
  if (devices !== undefined) data.devices = Array.isArray(devices) ? devices.join(' ') : String(devices);
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'cilium-config', namespace: NAMESPACE }, data };
};

interface Part {
  readonly kind: 'DaemonSet' | 'Deployment';
  readonly name: string;
  readonly image: string;
  readonly replicas?: number;
  readonly spec?: Dict;
}

const workload = ({ kind, name, image, replicas, spec = {} }: Part, version: string): KubeObject => {
  const labels = { 'k8s-app': name, 'app.kubernetes.io/part-of': 'cilium' };
  return {
    apiVersion: 'apps/v1',
    kind,
    metadata: { name, namespace: NAMESPACE, labels },
    spec: {
      ...(replicas === undefined ? {} : { replicas }),
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: {
          ...spec,
          containers: [
            { name: name === 'cilium' ? 'cilium-agent' : name, image: `quay.io/cilium/${image}:v${version}` },
          ],
        },
      },
    },
  };
};

const EVERYWHERE = { hostNetwork: true, tolerations: [{ operator: 'Exists' }] };

const serviceOf = (values: Dict): KubeObject => {
  const port = Number(textAt(values, 'clustermesh', 'apiserver', 'service', 'nodePort') || '32379');
  const type = textAt(values, 'clustermesh', 'apiserver', 'service', 'type') || 'NodePort';
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'clustermesh-apiserver', namespace: NAMESPACE, labels: { 'k8s-app': 'clustermesh-apiserver' } },
    spec: {
      type,
      selector: { 'k8s-app': 'clustermesh-apiserver' },
      ports: [{ port: 2379, protocol: 'TCP', ...(type === 'NodePort' ? { nodePort: port } : {}) }],
    },
  };
};

/** Which clusters the agents connect to; the server certificate covers the names that are made here. */
const remotesOf = (values: Dict): KubeObject => {
  const entries = listAt(values, 'clustermesh', 'config', 'clusters').map((remote) => {
    const name = textAt(remote, 'name');
    const config = `endpoints:\n- https://${name}.mesh.cilium.io:${textAt(remote, 'port')}\n`;
    return [name, Buffer.from(config).toString('base64')];
  });
  const metadata = { name: 'cilium-clustermesh', namespace: NAMESPACE };
  return { apiVersion: 'v1', kind: 'Secret', metadata, data: Object.fromEntries(entries) };
};

const affinityOf = (values: Dict): Dict => {
  const affinity = dig(values, 'affinity');
  return isDict(affinity) ? { affinity } : {};
};

const isOn = (values: Dict, ...path: string[]): boolean => textAt(values, ...path) === 'true';

/** What the chart makes of its values, as far as anybody looks. */
export const chartObjects = (values: Dict, version: string): KubeObject[] => {
  const replicas = Number(textAt(values, 'operator', 'replicas') || '2');
  const parts: Part[] = [
    { kind: 'DaemonSet', name: 'cilium', image: 'cilium', spec: { ...EVERYWHERE, ...affinityOf(values) } },
    { kind: 'DaemonSet', name: 'cilium-envoy', image: 'cilium-envoy', spec: { ...EVERYWHERE, ...affinityOf(values) } },
    { kind: 'Deployment', name: 'cilium-operator', image: 'operator-generic', replicas, spec: EVERYWHERE },
  ];
  if (isOn(values, 'hubble', 'relay', 'enabled')) {
    parts.push({ kind: 'Deployment', name: 'hubble-relay', image: 'hubble-relay', replicas: 1 });
  }
  const hasMesh = isOn(values, 'clustermesh', 'useAPIServer');
  if (hasMesh) {
    const count = Number(textAt(values, 'clustermesh', 'apiserver', 'replicas') || '1');
    parts.push({ kind: 'Deployment', name: 'clustermesh-apiserver', image: 'clustermesh-apiserver', replicas: count });
  }
  return [
    configMap(values),
    ...parts.map((part) => workload(part, version)),
    ...(hasMesh ? [serviceOf(values)] : []),
    ...(isOn(values, 'clustermesh', 'config', 'enabled') ? [remotesOf(values)] : []),
  ];
};
