import { createHash, randomBytes } from 'node:crypto';
import type { KubeClient } from '../client/kube-client.ts';
import { type KubeObject, textAt } from '../object.ts';
import type { Context } from './command.ts';
import { LIQO, tenantNamespace, tenantNamespaceOf } from './kinds.ts';
import { kubeconfigText } from './provided.ts';
import { installed } from './release.ts';

const TOKEN_HASH = 'standins.carrierarr.io/token-sha256';
const USER_LABEL = 'liqo.io/peering-user-name';

const userOf = (consumer: string): string => `liqo-peer-user-${consumer}`;
const hashOf = (token: string): string => createHash('sha256').update(token).digest('hex');

const bindings = (consumer: string): KubeObject[] =>
  [
    { namespace: LIQO, name: `${userOf(consumer)}-liqo-ns-reader` },
    { namespace: tenantNamespaceOf(consumer), name: `${userOf(consumer)}-tenant-ns-writer` },
  ].map((each) => ({
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'RoleBinding',
    metadata: { ...each, labels: { [USER_LABEL]: userOf(consumer) } },
    subjects: [{ kind: 'User', name: consumer, apiGroup: 'rbac.authorization.k8s.io' }],
  }));

const signingRequest = (consumer: string, token: string): KubeObject => ({
  apiVersion: 'certificates.k8s.io/v1',
  kind: 'CertificateSigningRequest',
  metadata: {
    name: userOf(consumer),
    labels: { [USER_LABEL]: userOf(consumer) },
    annotations: { [TOKEN_HASH]: hashOf(token) },
  },
  spec: { signerName: 'kubernetes.io/kube-apiserver-client', groups: ['system:authenticated'] },
});

/** The kubeconfig is the only thing on standard output. It cannot be made twice, although the real one means to tell. */
export const generatePeeringUser = async (context: Context): Promise<number> => {
  const { printer, flags } = context;
  const client = context.local();
  const consumer = flags.get('consumer-cluster-id') ?? '';
  printer.warn('Note that this functionality is currently not supported in EKS clusters');
  printer.warn('Please take note of this kubeconfig as it is not stored.');
  printer.warn(`Note that it can only be used to peer with this cluster from a cluster with ID ${consumer}`);
  const release = await installed(client);
  if (release === undefined)
    context.printer.fail('unable to get the API Server addr: no controller manager deployment found');
  await client.apply(tenantNamespace(consumer));
  printer.spin('Generating a user for peering with this cluster');
  const token = `peer-${randomBytes(24).toString('base64url')}`;
  try {
    await client.create(signingRequest(consumer, token));
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    printer.fail(`unable to generate certificate for the user: ${why}`);
  }
  for (const binding of bindings(consumer)) await client.apply(binding);
  printer.info('User generated successfully');
  const server = release.apiServer === '' ? client.config.server : release.apiServer;
  const namespace = tenantNamespaceOf(consumer);
  const kubeconfig = kubeconfigText({ cluster: consumer, user: `${consumer}-user`, server, token, namespace });
  process.stdout.write(`${kubeconfig}\n`);
  return 0;
};

export const deletePeeringUser = async (context: Context): Promise<number> => {
  const { printer, flags } = context;
  const client = context.local();
  const consumer = flags.get('consumer-cluster-id') ?? '';
  for (const { metadata } of bindings(consumer)) {
    await client
      .delete({ resource: 'rolebindings', namespace: metadata.namespace, name: metadata.name })
      .catch(() => undefined);
  }
  const name = userOf(consumer);
  const request = await client.find({ resource: 'certificatesigningrequests', name });
  if (request !== undefined) await client.delete({ resource: 'certificatesigningrequests', name });
  printer.info(`Peering user for cluster with ID "${consumer}" deleted successfully`);
  return 0;
};

/** Whether the credential that a client shows is one that stands: the API of a stand-in does not look itself. */
export const isAccepted = async (client: KubeClient): Promise<boolean> => {
  const { token } = client.config;
  if (token === undefined || !token.startsWith('peer-')) return true;
  const requests = await client.list({ resource: 'certificatesigningrequests' });
  return requests.some((request) => textAt(request, 'metadata', 'annotations', TOKEN_HASH) === hashOf(token));
};
