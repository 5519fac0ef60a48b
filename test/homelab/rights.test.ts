import { describe, expect, it } from 'vitest';
import { find, manifests, type Rule } from './support.ts';

const rulesOf = (kind: string, name: string): Rule[] => find(kind, name).rules ?? [];
const operator = rulesOf('ClusterRole', 'carrierarr-operator');
const CHANGES = ['create', 'patch', 'update', 'delete', 'deletecollection', '*'];

/** Whether some rule allows one of the verbs on a resource. */
const allows = (rules: readonly Rule[], group: string, resource: string, verbs: readonly string[]): boolean =>
  rules.some(
    (rule) =>
      (rule.apiGroups.includes(group) || rule.apiGroups.includes('*')) &&
      (rule.resources.includes(resource) || rule.resources.includes('*')) &&
      verbs.some((verb) => rule.verbs.includes(verb)),
  );

describe("the rights of the homelab's node", () => {
  it('hold a star for the kinds of Liqo only', () => {
    const starred = manifests()
      .flatMap(({ rules = [] }) => rules)
      .filter((rule) => [...rule.apiGroups, ...rule.resources, ...rule.verbs].includes('*'));

    expect(starred.map(({ resources, verbs }) => ({ resources, star: verbs.includes('*') }))).toEqual([
      { resources: ['*'], star: false },
    ]);
    expect(starred[0]?.apiGroups.every((group) => group.endsWith('.liqo.io'))).toBe(true);
  });

  it('are given to its own account only', () => {
    const bindings = manifests().filter(({ kind }) => kind.endsWith('RoleBinding'));

    expect(bindings.length).toBeGreaterThan(4);
    for (const { subjects } of bindings)
      expect(subjects).toEqual([{ kind: 'ServiceAccount', name: 'ssm-node', namespace: 'carrierarr-ssm' }]);
    expect(find('ServiceAccount', 'ssm-node').metadata.namespace).toBe('carrierarr-ssm');
  });

  it('name no role that is not there, cluster-admin least of all', () => {
    for (const { roleRef } of manifests())
      if (roleRef !== undefined) expect(() => find(roleRef.kind, roleRef.name)).not.toThrow();
  });
});

describe('the operator', () => {
  it.each([
    ['apps', 'deployments'],
    ['apps', 'daemonsets'],
    ['batch', 'jobs'],
    ['', 'pods/exec'],
    ['', 'serviceaccounts'],
    ['', 'serviceaccounts/token'],
    ['rbac.authorization.k8s.io', 'clusterroles'],
    ['rbac.authorization.k8s.io', 'rolebindings'],
    ['apiextensions.k8s.io', 'customresourcedefinitions'],
    ['admissionregistration.k8s.io', 'mutatingwebhookconfigurations'],
    ['certificates.k8s.io', 'certificatesigningrequests/approval'],
  ])('may not change %s %s anywhere in the cluster', (group, resource) => {
    expect(allows(operator, group, resource, CHANGES)).toBe(false);
  });

  it('creates no pod outside the namespace of the probes', () => {
    expect(allows(operator, '', 'pods', ['create', 'patch', 'update'])).toBe(false);
    expect(find('Role', 'carrierarr-checks').metadata.namespace).toBe('carrierarr-check');
  });

  it.each([
    ['', 'pods/log', 'get'],
    ['', 'nodes', 'patch'],
    ['', 'nodes', 'delete'],
    ['', 'pods/eviction', 'create'],
    ['', 'namespaces', 'create'],
    ['', 'namespaces/finalize', 'update'],
    ['', 'secrets', 'create'],
    ['apps', 'daemonsets', 'list'],
    ['core.liqo.io', 'foreignclusters', 'delete'],
    ['authentication.liqo.io', 'identities', 'create'],
    ['certificates.k8s.io', 'certificatesigningrequests', 'list'],
  ])('may on %s %s: %s, which steps do', (group, resource, verb) => {
    expect(allows(operator, group, resource, [verb])).toBe(true);
  });
});

describe('rights for a moment', () => {
  it('are in folders of their own, so that applying the base does not bind them', () => {
    for (const name of ['carrierarr-installer', 'carrierarr-provider'])
      expect(find('ClusterRoleBinding', name).roleRef?.name).toBe(name);
    expect(
      allows(rulesOf('ClusterRole', 'carrierarr-installer'), 'rbac.authorization.k8s.io', 'clusterroles', ['escalate']),
    ).toBe(true);
    expect(allows(operator, 'rbac.authorization.k8s.io', 'clusterroles', ['escalate', 'bind'])).toBe(false);
  });

  it('approve certificates for one signer only', () => {
    const approve = rulesOf('ClusterRole', 'carrierarr-provider').filter(({ verbs }) => verbs.includes('approve'));

    expect(approve).toMatchObject([{ resourceNames: ['kubernetes.io/kube-apiserver-client'] }]);
  });
});
