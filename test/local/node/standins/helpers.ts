import { KubeClient } from '../../../../local/node/standins/cluster/client/kube-client.ts';
import { straightTo } from '../../../../local/node/standins/cluster/client/kubeconfig.ts';
import type { KubeObject } from '../../../../local/node/standins/cluster/object.ts';
import { Cluster, type ClusterOptions } from '../../../../local/node/standins/cluster/server/cluster.ts';
import { type KubeApi, serveCluster } from '../../../../local/node/standins/cluster/server/serve.ts';

export interface Served {
  readonly cluster: Cluster;
  readonly api: KubeApi;
  readonly client: KubeClient;
}

/** A cluster behind a real HTTP server in this process. */
export const serve = async (cluster: Cluster): Promise<Served> => {
  const api = await serveCluster(cluster, [{ host: '127.0.0.1', port: 0 }]);
  const server = `http://127.0.0.1:${api.ports[0]}`;
  const client = new KubeClient(straightTo(server, 't'));
  return { cluster, api, client };
};

export const aCluster = (options: Partial<ClusterOptions> = {}): Cluster =>
  new Cluster({ version: 'v1.31.2+k3s1', podSecurity: 'privileged', needsCni: false, ...options });

export const aNode = (name: string, more: Readonly<Record<string, unknown>> = {}): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name, labels: { 'kubernetes.io/hostname': name } },
  status: { addresses: [{ type: 'InternalIP', address: '172.31.0.5' }] },
  ...more,
});

export const aWorkload = (
  kind: string,
  name: string,
  pod: Readonly<Record<string, unknown>> = {},
  namespace = 'default',
): KubeObject => ({
  apiVersion: 'apps/v1',
  kind,
  metadata: { name, namespace },
  spec: {
    selector: { matchLabels: { app: name } },
    template: {
      metadata: { labels: { app: name } },
      spec: { containers: [{ name, image: 'busybox' }], ...pod },
    },
  },
});

export const aNamespace = (name: string, labels: Readonly<Record<string, string>> = {}): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Namespace',
  metadata: { name, labels: { ...labels } },
});
