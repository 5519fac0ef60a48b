import { createHash } from 'node:crypto';
import type { KubeObject } from '../object.ts';
import { REMOTE_ID, tenantNamespaceOf } from './kinds.ts';

export interface Credential {
  readonly cluster: string;
  readonly user: string;
  readonly server: string;
  readonly proxyUrl?: string | undefined;
  readonly token: string | undefined;
  readonly namespace?: string;
}

/** A kubeconfig as client-go writes it. */
export const kubeconfigText = ({ cluster, user, server, proxyUrl, token, namespace }: Credential): string =>
  [
    'apiVersion: v1',
    'clusters:',
    '- cluster:',
    '    certificate-authority-data: c3RhbmQtaW4=',
    ...(proxyUrl === undefined ? [] : [`    proxy-url: ${proxyUrl}`]),
    `    server: ${server}`,
    `  name: ${cluster}`,
    'contexts:',
    '- context:',
    `    cluster: ${cluster}`,
    ...(namespace === undefined ? [] : [`    namespace: ${namespace}`]),
    `    user: ${user}`,
    '  name: default-context',
    'current-context: default-context',
    'kind: Config',
    'preferences: {}',
    'users:',
    `- name: ${user}`,
    ...(token === undefined ? ['  user: {}'] : ['  user:', `    token: ${token}`]),
    '',
  ].join('\n');

/** The credential that the consumer's controllers use from now on. */
export const identitySecret = (
  provider: string,
  server: string,
  token: string | undefined,
  proxyUrl: string | undefined,
): KubeObject => {
  const kubeconfig = kubeconfigText({
    cluster: provider,
    user: 'default-user',
    server,
    proxyUrl,
    token:
      token === undefined ? undefined : `identity-${createHash('sha256').update(token).digest('hex').slice(0, 32)}`,
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
