import { type KubeClient, KubeError } from '../client/kube-client.ts';
import { textAt } from '../object.ts';
import { hasKnob } from '../place.ts';
import type { Context } from './command.ts';
import { refresh } from './foreign-cluster.ts';
import { limitOf } from './install.ts';
import { FOREIGN_CLUSTERS, tenantNamespaceOf } from './kinds.ts';
import { type Pair, pairOf } from './peer.ts';
import { until } from './printer.ts';

const NETWORK = ['connections', 'gatewayservers', 'gatewayclients', 'configurations'].map(
  (plural) => `${plural}.networking.liqo.io`,
);
const SLICE = 'resourceslices.authentication.liqo.io';
const IDENTITY = 'identities.authentication.liqo.io';
const TENANT = 'tenants.authentication.liqo.io';
const MAP = 'namespacemaps.offloading.liqo.io';
const NODE = 'virtualnodes.offloading.liqo.io';

/** Takes these kinds out of a tenant's namespace. */
const clear = async (client: KubeClient, id: string, kinds: readonly string[]): Promise<void> => {
  const namespace = tenantNamespaceOf(id);
  for (const resource of kinds) {
    for (const { metadata } of await client.list({ resource, namespace })) {
      // What `/run/standins/liqoctl.stuck` asks for: a controller that never takes its finalizer off.
      if (resource === MAP && hasKnob('liqoctl.stuck')) {
        const finalizers = ['namespacemap-controller.liqo.io/finalizer'];
        await client.patch({ resource, namespace, name: metadata.name }, { metadata: { finalizers } });
      }
      await client.delete({ resource, namespace, name: metadata.name });
    }
  }
};

const removeNode = async (client: KubeClient, id: string): Promise<void> => {
  if ((await client.find({ resource: 'nodes', name: id })) !== undefined) {
    await client.delete({ resource: 'nodes', name: id });
  }
};

const removeIdentity = async (client: KubeClient, id: string): Promise<void> => {
  await clear(client, id, [IDENTITY]);
  const reference = { resource: 'secrets', namespace: tenantNamespaceOf(id), name: `kubeconfig-controlplane-${id}` };
  if ((await client.find(reference)) !== undefined) await client.delete(reference);
};

const removeNamespaces = async (context: Context, pair: Pair): Promise<void> => {
  await pair.local.delete({ resource: 'namespaces', name: tenantNamespaceOf(pair.provider) });
  const name = tenantNamespaceOf(pair.consumer);
  if (pair.remote.config.token?.startsWith('peer-') === true) {
    context.printer
      .scoped('remote')
      .fail(
        `Error while deleting tenant namespace: namespaces "${name}" is forbidden: User "${pair.consumer}" cannot delete resource "namespaces" in API group ""`,
      );
  }
  await pair.remote.delete({ resource: 'namespaces', name });
};

export const unpeer = async (context: Context): Promise<number> => {
  const { flags, printer } = context;
  const pair = await pairOf(context);
  const { local, remote, consumer, provider } = pair;
  const foreign = await local.find({ resource: FOREIGN_CLUSTERS, name: provider });
  if (foreign === undefined) {
    const why = `${FOREIGN_CLUSTERS} "${provider}" not found`;
    printer.fail(`an error occurred while checking bidirectional peering: ${why}`);
  }
  const isBoth = textAt(foreign, 'status', 'role') === 'ConsumerAndProvider';
  await clear(local, provider, [SLICE, NODE, MAP]);
  await removeNode(local, provider);
  printer.info('All virtualnodes deleted');
  await removeIdentity(local, provider);
  await clear(remote, consumer, [SLICE, TENANT]);
  printer.info('Tenant correctly deleted');
  if (!isBoth) {
    await clear(local, provider, NETWORK);
    await clear(remote, consumer, NETWORK);
    printer.info('Network configuration correctly deleted');
  }
  await refresh(remote, consumer);
  await refresh(local, provider);
  if (flags.on('delete-namespaces')) await removeNamespaces(context, pair);
  return 0;
};

/** The other side is gone: everything of it goes here, and the tenant's namespace is waited for without limit. */
export const forceUnpeer = async (context: Context): Promise<number> => {
  const { printer, flags } = context;
  const client = context.local();
  const [id = ''] = flags.positional;
  const found = await client.find({ resource: FOREIGN_CLUSTERS, name: id }).catch((error: unknown) => {
    if (error instanceof KubeError) return undefined;
    throw error;
  });
  if (found === undefined) printer.fail(`Remote cluster with ID ${id} not found`);
  const annotations = { 'liqo.io/permanently-unreachable': 'true' };
  await client.patch({ resource: FOREIGN_CLUSTERS, name: id }, { metadata: { annotations } });
  printer.info('Foreign cluster declared as permanently unreachable successfully');
  await clear(client, id, [SLICE, NODE, MAP, TENANT, ...NETWORK]);
  await removeIdentity(client, id);
  await removeNode(client, id);
  await refresh(client, id);
  const namespace = { resource: 'namespaces', name: tenantNamespaceOf(id) };
  if ((await client.find(namespace)) !== undefined) await client.delete(namespace);
  printer.info('Tenant namespace deleted');
  const isGone = async (): Promise<boolean> => (await client.find(namespace)) === undefined;
  if (!(await until(isGone, limitOf(context, '24h'))))
    printer.fail('Failed waiting for tenant namespace to be deleted');
  printer.info('Force unpeer executed successfully');
  return 0;
};
