import { KubeClient } from '../client/kube-client.ts';
import { parseKubeconfig, straightTo } from '../client/kubeconfig.ts';
import { type KubeObject, listAt, textAt } from '../object.ts';
import { FOREIGN_CLUSTERS, liqoObject, REMOTE_ID, tenantNamespaceOf } from './kinds.ts';
import { installed } from './release.ts';

interface Condition {
  readonly type: string;
  readonly status: string;
  readonly reason: string;
  readonly message: string;
}

const condition = (type: string, status: string, reason: string, message: string): Condition => ({
  type,
  status,
  reason,
  message,
});

const ofCluster = async (client: KubeClient, resource: string, id: string): Promise<KubeObject | undefined> =>
  (await client.list({ resource, namespace: tenantNamespaceOf(id) })).at(0);

const CONNECTION: Readonly<Record<string, Condition>> = {
  Connected: condition(
    'NetworkConnectionStatus',
    'Established',
    'ConnectionEstablished',
    'The network connection with the foreign cluster is established',
  ),
  Connecting: condition(
    'NetworkConnectionStatus',
    'Pending',
    'ConnectionPending',
    'The network connection with the foreign cluster is connecting',
  ),
};
const CONNECTION_ERROR = condition(
  'NetworkConnectionStatus',
  'Error',
  'ConnectionError',
  'The network connection with the foreign cluster is in error',
);

const networking = async (client: KubeClient, id: string): Promise<Condition[]> => {
  const connection = await ofCluster(client, 'connections.networking.liqo.io', id);
  const server = await ofCluster(client, 'gatewayservers.networking.liqo.io', id);
  const gateway = server ?? (await ofCluster(client, 'gatewayclients.networking.liqo.io', id));
  if (connection === undefined || gateway === undefined) return [];
  const side = server === undefined ? 'NetworkGatewayClientStatus' : 'NetworkGatewayServerStatus';
  return [
    condition(
      'NetworkConfigurationStatus',
      'Ready',
      'NetworkConfigurationPresence',
      'The network configuration of the peer cluster is present',
    ),
    condition(side, 'Ready', 'GatewaysReady', 'All gateway replicas are ready'),
    CONNECTION[textAt(connection, 'status', 'value')] ?? CONNECTION_ERROR,
    condition(
      'NetworkGatewayPresence',
      'Ready',
      'GatewayPresence',
      'There is a gateway connecting to the foreign cluster',
    ),
  ];
};

const authentication = (tenant: KubeObject | undefined, identity: KubeObject | undefined): Condition[] => [
  ...(tenant === undefined
    ? []
    : [condition('AuthTenantStatus', 'Ready', 'TenantReady', 'The tenant has been successfully configured')]),
  ...(identity === undefined
    ? []
    : textAt(identity, 'status', 'kubeconfigSecretRef', 'name') === ''
      ? [
          condition(
            'AuthIdentityControlPlaneStatus',
            'NotReady',
            'IdentityNotReady',
            'The identity is not correctly configured',
          ),
        ]
      : [
          condition(
            'AuthIdentityControlPlaneStatus',
            'Ready',
            'IdentityReady',
            'The identity has been successfully configured',
          ),
        ]),
];

const offloading = (isNodeReady: boolean): Condition[] => [
  condition('OffloadingVirtualNodeStatus', 'Ready', 'VirtualNodesReady', 'All virtual nodes are ready'),
  isNodeReady
    ? condition('OffloadingNodeStatus', 'Ready', 'NodesReady', 'All nodes are ready')
    : condition('OffloadingNodeStatus', 'NotReady', 'NodesNotReady', 'All nodes are not ready'),
];

/** A client with the credential that Liqo's controllers hold for the other cluster, by the way they were told. */
export const identityClient = async (client: KubeClient, id: string): Promise<KubeClient | undefined> => {
  const selector = `liqo.io/identity-type=ControlPlane,${REMOTE_ID}=${id}`;
  const [secret] = await client.list({ resource: 'secrets', namespace: tenantNamespaceOf(id), selector });
  const text = Buffer.from(textAt(secret, 'data', 'kubeconfig'), 'base64').toString('utf8');
  if (text === '') return undefined;
  const { clusters, users } = parseKubeconfig(text);
  const proxyUrl = textAt(clusters, 0, 'cluster', 'proxy-url');
  return new KubeClient(
    {
      ...straightTo(textAt(clusters, 0, 'cluster', 'server'), textAt(users, 0, 'user', 'token') || undefined),
      proxyUrl: proxyUrl === '' ? undefined : proxyUrl,
    },
    5000,
  );
};

const lives = async (client: KubeClient): Promise<boolean> =>
  await client.raw('GET', '/livez').then(
    ({ status }) => status < 400,
    () => false,
  );

const apiServer = (isReady: boolean): Condition =>
  isReady
    ? condition('APIServerStatus', 'Established', 'APIServerReady', 'The foreign cluster API Server is ready')
    : condition('APIServerStatus', 'Error', 'APIServerNotReady', 'The foreign cluster API Server is not ready');

const moduleOf = (conditions: readonly Condition[]): object =>
  conditions.length === 0 ? { enabled: false, conditions: null } : { enabled: true, conditions };

/** The virtual kubelet's part: its node is Ready as long as the other API server answers. */
const keepNode = async (client: KubeClient, id: string, isReady: boolean): Promise<void> => {
  const node = await client.find({ resource: 'nodes', name: id });
  if (node === undefined) return;
  const others = listAt(node, 'status', 'conditions').filter((each) => textAt(each, 'type') !== 'Ready');
  const status = isReady ? 'True' : 'Unknown';
  const reason = isReady ? 'KubeletReady' : 'NodeStatusUnknown';
  await client.patch(
    { resource: 'nodes', name: id },
    { status: { conditions: [...others, { type: 'Ready', status, reason }] } },
  );
};

const remove = async (client: KubeClient, id: string): Promise<void> => {
  if ((await client.find({ resource: FOREIGN_CLUSTERS, name: id })) !== undefined) {
    await client.delete({ resource: FOREIGN_CLUSTERS, name: id });
  }
};

/**
 * What Liqo's controllers do all the time, done whenever liqoctl runs: the ForeignCluster follows from the objects of
 * the peering, and goes when there are none.
 */
export const refresh = async (client: KubeClient, id: string): Promise<void> => {
  const release = await installed(client);
  const tenant = await ofCluster(client, 'tenants.authentication.liqo.io', id);
  const identity = await ofCluster(client, 'identities.authentication.liqo.io', id);
  const node = await ofCluster(client, 'virtualnodes.offloading.liqo.io', id);
  const network = release?.networking === false ? [] : await networking(client, id);
  if (tenant === undefined && identity === undefined && node === undefined && network.length === 0) {
    await remove(client, id);
    return;
  }
  const remote = identity === undefined ? undefined : await identityClient(client, id);
  const answers = remote !== undefined && (await lives(remote));
  if (node !== undefined) await keepNode(client, id, answers);
  const role = tenant === undefined ? 'Provider' : identity === undefined ? 'Consumer' : 'ConsumerAndProvider';
  const status = {
    role: tenant === undefined && identity === undefined ? 'Unknown' : role,
    modules: {
      networking: moduleOf(network),
      authentication: moduleOf(authentication(tenant, identity)),
      offloading: moduleOf(node === undefined ? [] : offloading(answers)),
    },
    conditions: identity === undefined ? null : [apiServer(answers)],
    tenantNamespace: { local: tenantNamespaceOf(id) },
  };
  const found = await client.find({ resource: FOREIGN_CLUSTERS, name: id });
  if (found === undefined) {
    const metadata = { name: id, labels: { [REMOTE_ID]: id } };
    await client.create(liqoObject('ForeignCluster', metadata, { spec: { clusterID: id } }));
  }
  // Null takes away the conditions of what is off.
  await client.patch({ resource: FOREIGN_CLUSTERS, name: id }, { status });
};
