import { createHash } from 'node:crypto';
import { stringify } from 'yaml';
import type { KubeObject } from '../object.ts';
import { REMOTE_ID, tenantNamespaceOf } from './kinds.ts';

/** The credential that the consumer's controllers use from now on. */
export const identitySecret = (
  provider: string,
  server: string,
  token: string | undefined,
  proxyUrl: string | undefined,
): KubeObject => {
  const kubeconfig = stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'default-context',
    clusters: [{ name: provider, cluster: { server, ...(proxyUrl === undefined ? {} : { 'proxy-url': proxyUrl }) } }],
    users: [
      {
        name: 'default-user',
        user:
          token === undefined
            ? {}
            : { token: `identity-${createHash('sha256').update(token).digest('hex').slice(0, 32)}` },
      },
    ],
    contexts: [{ name: 'default-context', context: { cluster: provider, user: 'default-user' } }],
  });
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: {
      name: `kubeconfig-controlplane-${provider}`,
      namespace: tenantNamespaceOf(provider),
      labels: { 'liqo.io/identity-type': 'ControlPlane', [REMOTE_ID]: provider },
    },
    data: { kubeconfig: Buffer.from(kubeconfig).toString('base64') },
  };
};

/** The node that stands for the provider. Nothing goes there that does not tolerate it. */
export const virtualNode = (provider: string, resources: Readonly<Record<string, string>>): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: {
    name: provider,
    labels: {
      'liqo.io/type': 'virtual-node',
      [REMOTE_ID]: provider,
      'kubernetes.io/hostname': provider,
      'kubernetes.io/os': 'linux',
    },
  },
  spec: { taints: [{ key: 'virtual-node.liqo.io/not-allowed', value: 'true', effect: 'NoExecute' }] },
  status: {
    capacity: resources,
    allocatable: resources,
    nodeInfo: { kubeletVersion: 'v1.34.1' },
    conditions: [{ type: 'Ready', status: 'True', reason: 'KubeletReady' }],
  },
});
