import { dictAt, type KubeObject, listAt } from '../object.ts';
import type { Cluster } from '../server/cluster.ts';
import { builtIn, fullName, type Resource } from '../server/kinds.ts';

const NAMESPACES = builtIn('namespaces');

interface Content {
  readonly resource: Resource;
  readonly object: KubeObject;
}

const contentOf = (cluster: Cluster, namespace: string): Content[] =>
  cluster.store
    .resources()
    .filter(({ namespaced }) => namespaced)
    .flatMap((resource) => cluster.store.list(resource, namespace).map((object) => ({ resource, object })));

const remaining = (content: readonly Content[]): unknown[] => {
  const counts = new Map<string, number>();
  for (const { resource } of content) counts.set(fullName(resource), (counts.get(fullName(resource)) ?? 0) + 1);
  const kinds = [...counts].map(([name, count]) => `${name} has ${count} resource instances`).join(', ');
  const finalizers = [...new Set(content.flatMap(({ object }) => object.metadata.finalizers ?? []))];
  const held = finalizers.map((name) => `${name} in ${content.length} resource instances`).join(', ');
  return [
    {
      type: 'NamespaceContentRemaining',
      status: 'True',
      reason: 'SomeResourcesRemain',
      message: `Some resources are remaining: ${kinds}`,
    },
    {
      type: 'NamespaceFinalizersRemaining',
      status: 'True',
      reason: 'SomeFinalizersRemain',
      message: `Some content in the namespace has finalizers remaining: ${held}`,
    },
  ];
};

const empty = (cluster: Cluster, namespace: KubeObject): void => {
  const { name, finalizers = [] } = namespace.metadata;
  for (const { resource, object } of contentOf(cluster, name)) cluster.remove(resource, name, object.metadata.name);
  const content = contentOf(cluster, name);
  const own = listAt(namespace, 'spec', 'finalizers').filter((finalizer) => finalizer !== 'kubernetes');
  if (content.length > 0) {
    cluster.store.update(NAMESPACES, namespace, (copy) => {
      copy.status = { ...dictAt(copy, 'status'), phase: 'Terminating', conditions: remaining(content) };
    });
  } else if (own.length === 0 && finalizers.length === 0) cluster.store.remove(NAMESPACES, namespace);
};

/** Empties namespaces that are being deleted; they stay while something in them has a finalizer. */
export const namespaces = (cluster: Cluster): void => {
  for (const namespace of cluster.store.list(NAMESPACES)) {
    if (namespace.metadata.deletionTimestamp !== undefined) empty(cluster, namespace);
  }
};
