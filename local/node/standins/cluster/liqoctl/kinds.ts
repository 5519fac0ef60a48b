import type { KubeObject, Metadata } from '../object.ts';
import { type CustomKind, customResource } from '../server/kinds.ts';

const kinds = (group: string, namespaced: boolean, names: Record<string, string>): CustomKind[] =>
  Object.entries(names).map(([kind, plural]) => ({
    group: `${group}.liqo.io`,
    version: 'v1beta1',
    kind,
    plural,
    namespaced,
  }));

/** The kinds of Liqo that anything here touches. */
const KINDS: readonly CustomKind[] = [
  ...kinds('core', false, { ForeignCluster: 'foreignclusters' }),
  ...kinds('networking', true, {
    Configuration: 'configurations',
    Connection: 'connections',
    GatewayServer: 'gatewayservers',
    GatewayClient: 'gatewayclients',
  }),
  ...kinds('authentication', true, { Tenant: 'tenants', Identity: 'identities', ResourceSlice: 'resourceslices' }),
  ...kinds('offloading', true, {
    VirtualNode: 'virtualnodes',
    NamespaceMap: 'namespacemaps',
    NamespaceOffloading: 'namespaceoffloadings',
  }),
  ...kinds('ipam', true, { Network: 'networks', IP: 'ips' }),
];

export const DEFINITIONS: readonly KubeObject[] = KINDS.map(customResource);

const groupOf = (kind: string): string => {
  const found = KINDS.find((each) => each.kind === kind);
  if (found === undefined) throw new Error(`no Liqo kind ${kind}`);
  return `${found.group}/${found.version}`;
};

/** An object of one of Liqo's kinds. */
export const liqoObject = (kind: string, metadata: Metadata, rest: Readonly<Record<string, unknown>>): KubeObject => ({
  apiVersion: groupOf(kind),
  kind,
  metadata,
  ...rest,
});

export const FOREIGN_CLUSTERS = 'foreignclusters.core.liqo.io';
export const LIQO = 'liqo';
export const REMOTE_ID = 'liqo.io/remote-cluster-id';

export const tenantNamespaceOf = (id: string): string => `liqo-tenant-${id}`;

/** Since 1.1.0 Liqo labels tenant namespaces for privileged pods itself. */
export const tenantNamespace = (id: string): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Namespace',
  metadata: {
    name: tenantNamespaceOf(id),
    labels: {
      [REMOTE_ID]: id,
      'liqo.io/tenant-namespace': 'true',
      'pod-security.kubernetes.io/enforce': 'privileged',
      'pod-security.kubernetes.io/audit': 'privileged',
      'pod-security.kubernetes.io/warn': 'privileged',
    },
  },
});
