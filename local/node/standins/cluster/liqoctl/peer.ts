import type { KubeClient } from '../client/kube-client.ts';
import { listAt, textAt } from '../object.ts';
import { hasKnob, readKnob, within } from '../place.ts';
import type { Context } from './command.ts';
import { refresh } from './foreign-cluster.ts';
import { clusterIdOf, limitOf } from './install.ts';
import { liqoObject, REMOTE_ID, tenantNamespace, tenantNamespaceOf } from './kinds.ts';
import { isAccepted } from './peering-user.ts';
import { until } from './printer.ts';
import { identitySecret, virtualNode } from './provided.ts';
import { installed } from './release.ts';

const TYPES = ['LoadBalancer', 'NodePort', 'ClusterIP'];
const PRIVATE = ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '127.0.0.0/8'];

export interface Pair {
  readonly local: KubeClient;
  readonly remote: KubeClient;
  /** Id of the cluster that liqoctl runs for: the consumer. */
  readonly consumer: string;
  readonly provider: string;
}

/** Both clusters, each with Liqo, and the remote one with a credential it still knows. */
export const pairOf = async (context: Context): Promise<Pair> => {
  const { printer } = context;
  const local = context.local();
  const remote = context.remote();
  if (local.config.server === remote.config.server && local.config.proxyUrl === remote.config.proxyUrl) {
    printer.fail('local and remote clusters must be different');
  }
  const consumer = await clusterIdOf(local, context, 'local');
  const provider = await clusterIdOf(remote, context, 'remote');
  if (!(await isAccepted(remote))) printer.scoped('remote').fail('You must be logged in to the server (Unauthorized)');
  return { local, remote, consumer, provider };
};

const put = async (
  client: KubeClient,
  kind: string,
  other: string,
  rest: Readonly<Record<string, unknown>> = {},
): Promise<void> => {
  const metadata = { name: other, namespace: tenantNamespaceOf(other), labels: { [REMOTE_ID]: other } };
  await client.apply(liqoObject(kind, metadata, rest));
};

/** The address that the gateway's client is told: what was asked for, or a node's, the external one first. */
const gatewayAddress = async (server: KubeClient, { flags }: Context): Promise<string> => {
  const asked = flags.get('gw-client-address');
  if (asked !== undefined) return asked;
  const nodes = await server.list({ resource: 'nodes' });
  const addresses = nodes.flatMap((node) => listAt(node, 'status', 'addresses'));
  const find = (type: string): string =>
    textAt(
      addresses.find((address) => textAt(address, 'type') === type),
      'address',
    );
  return find('ExternalIP') || find('InternalIP');
};

/** The tunnel comes about where the server has a NodePort and its address is one that the client reaches. */
const connectionValue = async (server: KubeClient, context: Context): Promise<string> => {
  const address = await gatewayAddress(server, context);
  const isReached = !PRIVATE.some((range) => within(address, range));
  const type = context.flags.get('gw-server-service-type') ?? 'LoadBalancer';
  return type === 'NodePort' && isReached ? 'Connected' : 'Connecting';
};

const connect = async (context: Context, pair: Pair): Promise<void> => {
  const { flags, printer } = context;
  const type = flags.get('gw-server-service-type') ?? 'LoadBalancer';
  if (!TYPES.includes(type)) printer.fail(`invalid argument "${type}" for "--gw-server-service-type" flag`);
  const isInverted = flags.get('gw-server-service-location') === 'Consumer';
  const [server, client] = isInverted ? [pair.local, pair.remote] : [pair.remote, pair.local];
  const [serverId, clientId] = isInverted ? [pair.consumer, pair.provider] : [pair.provider, pair.consumer];
  const value = await connectionValue(server, context);
  const mtu = Number(flags.get('mtu') ?? '1340');
  const nodePort = Number(flags.get('gw-server-service-nodeport') ?? '0');
  const address = await gatewayAddress(server, context);
  const port = Number(flags.get('gw-client-port') ?? nodePort);
  await put(pair.local, 'Configuration', pair.provider);
  await put(pair.remote, 'Configuration', pair.consumer);
  printer.info('Network configuration correctly set up');
  await put(server, 'GatewayServer', clientId, {
    spec: { mtu, endpoint: { port: 51840, serviceType: type, nodePort } },
  });
  await put(client, 'GatewayClient', serverId, {
    spec: { mtu, endpoint: { addresses: [address], port, protocol: 'UDP' } },
  });
  const isTroubled =
    hasKnob('liqoctl.unhealthy') && (readKnob('liqoctl.unhealthy')?.trim() || 'networking') === 'networking';
  const status = { status: { value: isTroubled ? 'ConnectionError' : value } };
  await put(pair.local, 'Connection', pair.provider, status);
  await put(pair.remote, 'Connection', pair.consumer, { status: { value } });
  printer.info('Connection created successfully');
  if (!(await until(async () => value === 'Connected', limitOf(context, '10m')))) {
    const why = 'Failed waiting for Connection status to be established: timed out waiting for the condition';
    printer.error(why);
    await refresh(pair.local, pair.provider);
    printer.fail('Unable to ensure networking: context deadline exceeded');
  }
  printer.info('Connection is established');
};

const authenticate = async (context: Context, pair: Pair): Promise<void> => {
  const { flags, printer } = context;
  const { local, remote, consumer, provider } = pair;
  await put(remote, 'Tenant', consumer, {
    spec: { clusterID: consumer },
    status: { tenantNamespace: tenantNamespaceOf(consumer) },
  });
  printer.info('Tenant correctly applied on provider cluster');
  const apiServer = (await installed(remote))?.apiServer || remote.config.server;
  const proxyUrl = flags.get('proxy-url');
  const secret = identitySecret(provider, apiServer, remote.config.token, proxyUrl);
  await local.apply(secret);
  const isTroubled = readKnob('liqoctl.unhealthy')?.trim() === 'authentication';
  await put(local, 'Identity', provider, {
    spec: {
      type: 'ControlPlane',
      authParams: { apiServer, ...(proxyUrl === undefined ? {} : { proxyURL: proxyUrl }) },
    },
    status: { kubeconfigSecretRef: { name: isTroubled ? '' : secret.metadata.name } },
  });
  printer.info('Identity correctly applied on consumer cluster');
};

const resourcesOf = ({ flags }: Context): Record<string, string> => ({
  cpu: flags.get('cpu') ?? '4',
  memory: flags.get('memory') ?? '8Gi',
  pods: flags.get('pods') ?? '110',
  'ephemeral-storage': '20Gi',
  ...Object.fromEntries(
    flags.all('resource').map((pair) => [pair.split('=')[0] ?? '', pair.split('=').slice(1).join('=')]),
  ),
});

const offload = async (context: Context, pair: Pair): Promise<void> => {
  const { printer, flags } = context;
  const { local, remote, consumer, provider } = pair;
  const resources = resourcesOf(context);
  const status = { resources, conditions: [{ type: 'Resources', status: 'Accepted' }] };
  await put(local, 'ResourceSlice', provider, { spec: { class: 'default', resources }, status });
  await put(remote, 'ResourceSlice', consumer, { spec: { class: 'default', resources }, status });
  const replicated = { metadata: { labels: { 'liqo.io/replicated': 'true' } } };
  const reference = { resource: 'resourceslices.authentication.liqo.io', namespace: tenantNamespaceOf(consumer) };
  await remote.patch({ ...reference, name: consumer }, replicated);
  printer.info('ResourceSlice created');
  printer.info('ResourceSlice authentication: Accepted');
  if (flags.get('create-virtual-node') === 'false') return;
  await put(local, 'VirtualNode', provider, {
    spec: {
      clusterID: provider,
      createNode: true,
      resourceQuota: { hard: resources },
      kubeconfigSecretRef: { name: `kubeconfig-controlplane-${provider}` },
    },
    status: { conditions: [{ type: 'Node', status: 'Running' }] },
  });
  await put(local, 'NamespaceMap', provider);
  await local.apply(virtualNode(provider, resources));
};

export const peer = async (context: Context): Promise<number> => {
  const { flags, printer } = context;
  const pair = await pairOf(context);
  await pair.local.apply(tenantNamespace(pair.provider));
  await pair.remote.apply(tenantNamespace(pair.consumer));
  if (!flags.on('networking-disabled')) await connect(context, pair);
  else if (flags.on('in-band')) printer.fail('Unable to ensure authentication: in-band needs the networking module');
  await authenticate(context, pair);
  if (flags.get('create-resource-slice') !== 'false') await offload(context, pair);
  await refresh(pair.remote, pair.consumer);
  await refresh(pair.local, pair.provider);
  printer.info(`Node ${pair.provider} is Ready`);
  return 0;
};
