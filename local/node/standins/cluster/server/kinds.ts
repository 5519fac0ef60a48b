import type { Dict, KubeObject } from '../object.ts';
import { dig, listAt, textAt } from '../object.ts';

/** A kind of object as the API serves it. */
export interface Resource {
  /** Empty for the core group. */
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly plural: string;
  readonly namespaced: boolean;
  readonly short: readonly string[];
}

const some = (group: string, version: string, namespaced: boolean, kinds: Record<string, string>): Resource[] =>
  Object.entries(kinds).map(([kind, names]) => {
    const [plural = '', ...short] = names.split(' ');
    return { group, version, kind, plural, namespaced, short };
  });

/** What a cluster knows without any custom resource, as far as anything here asks for it. */
export const BUILT_IN: readonly Resource[] = [
  ...some('', 'v1', false, { Namespace: 'namespaces ns', Node: 'nodes no', PersistentVolume: 'persistentvolumes pv' }),
  ...some('', 'v1', true, {
    ConfigMap: 'configmaps cm',
    Endpoints: 'endpoints ep',
    Event: 'events ev',
    PersistentVolumeClaim: 'persistentvolumeclaims pvc',
    Pod: 'pods po',
    Secret: 'secrets',
    Service: 'services svc',
    ServiceAccount: 'serviceaccounts sa',
  }),
  ...some('apps', 'v1', true, {
    DaemonSet: 'daemonsets ds',
    Deployment: 'deployments deploy',
    ReplicaSet: 'replicasets rs',
    StatefulSet: 'statefulsets sts',
  }),
  ...some('batch', 'v1', true, { Job: 'jobs', CronJob: 'cronjobs cj' }),
  ...some('rbac.authorization.k8s.io', 'v1', true, { Role: 'roles', RoleBinding: 'rolebindings' }),
  ...some('rbac.authorization.k8s.io', 'v1', false, {
    ClusterRole: 'clusterroles',
    ClusterRoleBinding: 'clusterrolebindings',
  }),
  ...some('certificates.k8s.io', 'v1', false, { CertificateSigningRequest: 'certificatesigningrequests csr' }),
  ...some('apiextensions.k8s.io', 'v1', false, { CustomResourceDefinition: 'customresourcedefinitions crd crds' }),
  ...some('node.k8s.io', 'v1', false, { RuntimeClass: 'runtimeclasses' }),
  ...some('networking.k8s.io', 'v1', true, { NetworkPolicy: 'networkpolicies netpol', Ingress: 'ingresses ing' }),
  ...some('coordination.k8s.io', 'v1', true, { Lease: 'leases' }),
  ...some('policy', 'v1', true, { PodDisruptionBudget: 'poddisruptionbudgets pdb' }),
  ...some('storage.k8s.io', 'v1', false, { StorageClass: 'storageclasses sc' }),
  ...some('scheduling.k8s.io', 'v1', false, { PriorityClass: 'priorityclasses pc' }),
  ...some('admissionregistration.k8s.io', 'v1', false, {
    MutatingWebhookConfiguration: 'mutatingwebhookconfigurations',
    ValidatingWebhookConfiguration: 'validatingwebhookconfigurations',
  }),
];

export const builtIn = (plural: string): Resource => {
  const found = BUILT_IN.find((resource) => resource.plural === plural);
  if (found === undefined) throw new Error(`no built-in resource ${plural}`);
  return found;
};

export const apiVersionOf = ({ group, version }: Pick<Resource, 'group' | 'version'>): string =>
  group === '' ? version : `${group}/${version}`;

/** How `kubectl` names it: `pods`, `deployments.apps`. */
export const fullName = ({ plural, group }: Pick<Resource, 'plural' | 'group'>): string =>
  group === '' ? plural : `${plural}.${group}`;

export interface CustomKind {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly plural: string;
  readonly namespaced: boolean;
  readonly shortNames?: readonly string[];
}

/** The CustomResourceDefinition that makes a kind known to a cluster. */
export const customResource = (custom: CustomKind): KubeObject => ({
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: `${custom.plural}.${custom.group}` },
  spec: {
    group: custom.group,
    names: {
      kind: custom.kind,
      plural: custom.plural,
      singular: custom.kind.toLowerCase(),
      shortNames: [...(custom.shortNames ?? [])],
    },
    scope: custom.namespaced ? 'Namespaced' : 'Cluster',
    versions: [{ name: custom.version, served: true, storage: true }],
  },
});

/** The other way round. */
export const resourceOfDefinition = (definition: KubeObject | Dict): Resource => ({
  group: textAt(definition, 'spec', 'group'),
  version: textAt(definition, 'spec', 'versions', 0, 'name'),
  kind: textAt(definition, 'spec', 'names', 'kind'),
  plural: textAt(definition, 'spec', 'names', 'plural'),
  namespaced: dig(definition, 'spec', 'scope') === 'Namespaced',
  short: listAt(definition, 'spec', 'names', 'shortNames').map(String),
});

/** Whether somebody who types `name` means this: plural, singular, kind, short name, each with the group or without. */
export const isCalled = (resource: Resource, name: string): boolean => {
  const [bare = '', ...group] = name.toLowerCase().split('.');
  const names = [resource.plural, resource.kind.toLowerCase(), ...resource.short];
  if (!names.includes(bare)) return false;
  const wanted = group.join('.');
  return wanted === '' || wanted === resource.group || wanted === `${resource.version}.${resource.group}`;
};

/** The collection's path. */
export const pathOf = (resource: Resource, namespace?: string): string => {
  const root = resource.group === '' ? `/api/${resource.version}` : `/apis/${resource.group}/${resource.version}`;
  const scope = namespace !== undefined && resource.namespaced ? `/namespaces/${namespace}` : '';
  return `${root}${scope}/${resource.plural}`;
};
