import type { KubeClient } from '../client/kube-client.ts';
import { dictAt } from '../object.ts';
import type { Context } from './command.ts';
import { identityClient } from './foreign-cluster.ts';
import { clusterIdOf } from './install.ts';
import { FOREIGN_CLUSTERS, liqoObject, tenantNamespaceOf } from './kinds.ts';

const OFFLOADING = 'namespaceoffloadings.offloading.liqo.io';
const MANAGED_BY = 'liqo.io/managed-by-namespace-map';
const SCHEDULING = 'liqo.io/scheduling-enabled';

const STRATEGIES: Readonly<Record<string, readonly string[]>> = {
  'pod-offloading-strategy': ['LocalAndRemote', 'Remote', 'Local'],
  'namespace-mapping-strategy': ['DefaultName', 'EnforceSameName', 'SelectedName'],
};

const chosen = (context: Context, flag: string): string => {
  const allowed = STRATEGIES[flag] ?? [];
  const value = context.flags.get(flag) ?? allowed[0] ?? '';
  if (!allowed.includes(value)) {
    context.printer.fail(`invalid argument "${value}" for "--${flag}" flag: must be one of ${allowed.join(', ')}`);
  }
  return value;
};

/** Makes the namespace over there, as the controllers do with the identity that the peering left. */
const reflect = async (client: KubeClient, own: string, id: string, name: string): Promise<boolean> => {
  const remote = await identityClient(client, id);
  if (remote === undefined) return false;
  // A namespace that somebody else made is left alone, and the mapping is in CreationLoopBackOff.
  const there = await remote.find({ resource: 'namespaces', name }).catch(() => undefined);
  if (there !== undefined && dictAt(there, 'metadata', 'annotations')[MANAGED_BY] === undefined) return false;
  const annotations = { [MANAGED_BY]: `${tenantNamespaceOf(own)}/${own}`, 'liqo.io/original-name': name };
  return await remote.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name, annotations } }).then(
    () => true,
    () => false,
  );
};

const offloadOne = async (context: Context, name: string): Promise<void> => {
  const { printer } = context;
  const client = context.local();
  const own = await clusterIdOf(client, context, '');
  const namespace = await client.find({ resource: 'namespaces', name });
  if (namespace === undefined) printer.fail(`Failed enabling namespace offloading: namespaces "${name}" not found`);
  const mapping = chosen(context, 'namespace-mapping-strategy');
  const spec = {
    podOffloadingStrategy: chosen(context, 'pod-offloading-strategy'),
    namespaceMappingStrategy: mapping,
    clusterSelector: { nodeSelectorTerms: [] },
  };
  const remoteName = mapping === 'EnforceSameName' ? name : `${name}-${own}`;
  const conditions: Record<string, unknown> = {};
  for (const { metadata } of await client.list({ resource: FOREIGN_CLUSTERS })) {
    const isMade = await reflect(client, own, metadata.name, remoteName);
    conditions[metadata.name] = [{ type: 'Ready', status: isMade ? 'True' : 'False' }];
  }
  const status = {
    observedGeneration: 1,
    offloadingPhase: Object.keys(conditions).length === 0 ? 'NoClusterSelected' : 'Ready',
    remoteNamespacesConditions: conditions,
  };
  await client.apply(liqoObject('NamespaceOffloading', { name: 'offloading', namespace: name }, { spec, status }));
  await client.patch({ resource: 'namespaces', name }, { metadata: { labels: { [SCHEDULING]: 'true' } } });
  printer.info(`Offloading of namespace "${name}" correctly enabled`);
  printer.info('Offloading completed successfully');
};

export const offloadNamespace = async (context: Context): Promise<number> => {
  for (const name of context.flags.positional) await offloadOne(context, name);
  return 0;
};

const withdraw = async (client: KubeClient, id: string, name: string): Promise<void> => {
  const remote = await identityClient(client, id);
  const found = await remote?.find({ resource: 'namespaces', name }).catch(() => undefined);
  const isOurs = dictAt(found, 'metadata', 'annotations')[MANAGED_BY] !== undefined;
  if (isOurs) await remote?.delete({ resource: 'namespaces', name }).catch(() => undefined);
};

export const unoffloadNamespace = async (context: Context): Promise<number> => {
  const client = context.local();
  for (const name of context.flags.positional) {
    const reference = { resource: OFFLOADING, namespace: name, name: 'offloading' };
    const found = await client.find(reference);
    if (found !== undefined) {
      for (const id of Object.keys(dictAt(found, 'status', 'remoteNamespacesConditions'))) {
        await withdraw(client, id, name);
      }
      await client.delete(reference);
      await client.patch({ resource: 'namespaces', name }, { metadata: { labels: { [SCHEDULING]: null } } });
    }
    context.printer.info(`Offloading of namespace "${name}" correctly disabled`);
    context.printer.info('Unoffloading completed successfully');
  }
  return 0;
};
