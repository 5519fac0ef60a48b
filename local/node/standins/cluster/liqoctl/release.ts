import type { KubeClient } from '../client/kube-client.ts';
import { dig, type KubeObject, listAt, textAt } from '../object.ts';
import { LIQO } from './kinds.ts';

/** What an installation is made of. */
export interface Release {
  readonly version: string;
  readonly clusterId: string;
  readonly apiServer: string;
  readonly podCidrs: readonly string[];
  readonly serviceCidr: string;
  readonly networking: boolean;
  readonly labels: Readonly<Record<string, string>>;
}

export const CONTROLLER = 'liqo-controller-manager';
export const CLUSTER_ID_MAP = 'liqo-clusterid-configmap';

const meta = (name: string) => ({ name, namespace: LIQO, labels: { 'app.kubernetes.io/part-of': 'liqo' } });

const template = (name: string, container: Readonly<Record<string, unknown>>, spec: object = {}) => ({
  metadata: { labels: { 'app.kubernetes.io/name': name } },
  spec: { ...spec, containers: [container] },
});

const deployment = (component: string, version: string, args: readonly string[] = []): KubeObject => {
  const name = component.startsWith('liqo-') ? component : `liqo-${component}`;
  const container = {
    name: name.replace(/^liqo-/, ''),
    image: `ghcr.io/liqotech/${name === CONTROLLER ? name : component}:${version}`,
    args: [...args],
  };
  const selector = { matchLabels: { 'app.kubernetes.io/name': name } };
  const spec = { replicas: 1, selector, template: template(name, container) };
  return { apiVersion: 'apps/v1', kind: 'Deployment', metadata: meta(name), spec };
};

/** The fabric changes the host's routes: the pods that PodSecurity refuses. */
const fabric = (version: string): KubeObject => {
  const securityContext = { privileged: true, capabilities: { add: ['NET_ADMIN', 'NET_RAW'] } };
  const container = { name: 'fabric', image: `ghcr.io/liqotech/fabric:${version}`, securityContext };
  const selector = { matchLabels: { 'app.kubernetes.io/name': 'liqo-fabric' } };
  const affinity = {
    nodeAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: {
        nodeSelectorTerms: [
          { matchExpressions: [{ key: 'liqo.io/type', operator: 'NotIn', values: ['virtual-node'] }] },
        ],
      },
    },
  };
  const tolerations = [{ operator: 'Exists' }];
  const spec = { selector, template: template('liqo-fabric', container, { hostNetwork: true, affinity, tolerations }) };
  return { apiVersion: 'apps/v1', kind: 'DaemonSet', metadata: meta('liqo-fabric'), spec };
};

/** The objects of a release, in the order Helm makes them. */
export const releaseObjects = (release: Release): KubeObject[] => {
  const { version, clusterId, apiServer, networking, labels } = release;
  const shown = Object.entries(labels).map(([key, value]) => `${key}=${value}`);
  const args = [
    `--cluster-id=${clusterId}`,
    ...(apiServer === '' ? [] : [`--api-server-address-override=${apiServer}`]),
    `--networking-enabled=${networking}`,
    `--cluster-labels=${shown.join(',')}`,
  ];
  return [
    {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { ...meta(CLUSTER_ID_MAP), labels: { 'app.kubernetes.io/name': 'clusterid-configmap' } },
      data: { CLUSTER_ID: clusterId, POD_CIDRS: release.podCidrs.join(','), SERVICE_CIDR: release.serviceCidr },
    },
    deployment(CONTROLLER, version, args),
    ...['crd-replicator', 'webhook', 'ipam', 'metric-agent', 'proxy'].map((name) => deployment(name, version)),
    ...(networking ? [fabric(version)] : []),
  ];
};

export interface Installed {
  readonly clusterId: string;
  readonly version: string;
  readonly apiServer: string;
  readonly networking: boolean;
  readonly podCidrs: readonly string[];
  readonly serviceCidr: string;
}

/** Reads an installation; undefined where Liqo is not installed. */
export const installed = async (client: KubeClient): Promise<Installed | undefined> => {
  const ids = await client.find({ resource: 'configmaps', namespace: LIQO, name: CLUSTER_ID_MAP });
  const controller = await client.find({ resource: 'deployments', namespace: LIQO, name: CONTROLLER });
  if (ids === undefined || controller === undefined) return undefined;
  const container = dig(controller, 'spec', 'template', 'spec', 'containers', 0);
  const argument = (name: string): string =>
    listAt(container, 'args')
      .map(String)
      .find((each) => each.startsWith(`--${name}=`))
      ?.slice(name.length + 3) ?? '';
  return {
    clusterId: textAt(ids, 'data', 'CLUSTER_ID'),
    version: textAt(container, 'image').split(':').at(-1) ?? '',
    apiServer: argument('api-server-address-override'),
    networking: argument('networking-enabled') !== 'false',
    podCidrs: textAt(ids, 'data', 'POD_CIDRS').split(','),
    serviceCidr: textAt(ids, 'data', 'SERVICE_CIDR'),
  };
};

const isReady = (pod: KubeObject): boolean =>
  listAt(pod, 'status', 'conditions').some(
    (condition) => textAt(condition, 'type') === 'Ready' && textAt(condition, 'status') === 'True',
  );

/** Liqo's pods that are not ready, with what `liqoctl info` says of them. */
export const unhealthyPods = async (client: KubeClient): Promise<Record<string, unknown>> => {
  const pods = await client.list({ resource: 'pods', namespace: LIQO });
  return Object.fromEntries(
    pods
      .filter((pod) => !isReady(pod))
      .map((pod) => {
        const containers = listAt(pod, 'status', 'containerStatuses');
        const ready = containers.filter((container) => dig(container, 'ready') === true).length;
        const status = textAt(pod, 'status', 'phase');
        return [pod.metadata.name, { status, readyContainers: ready, totalContainers: containers.length, restarts: 0 }];
      }),
  );
};
