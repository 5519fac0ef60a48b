import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { find, type Rule } from './support.ts';

const ALWAYS = [
  ...(find('ClusterRole', 'carrierarr-operator').rules ?? []),
  ...(find('Role', 'carrierarr-checks').rules ?? []),
];

/** What a step of the homelab runs: its script, every library it names, and what those name. */
const sourcesOf = (file: string): string[] => {
  const text = readFileSync(file, 'utf8');
  const named = [...text.matchAll(/^source "\$\{BASH_SOURCE%\/\*\}\/([^"]+)"/gm)].map(([, path]) => path ?? '');
  return [file, ...named.flatMap((path) => sourcesOf(join(dirname(file), path)))];
};
const scripts = [
  ...new Set(
    readdirSync('ssm')
      .filter((file) => /^homelab-.*\.sh$/.test(file))
      .flatMap((file) => sourcesOf(join('ssm', file))),
  ),
];

const KIND: Readonly<Record<string, readonly [group: string, resource: string]>> = {
  configmap: ['', 'configmaps'],
  customresourcedefinition: ['apiextensions.k8s.io', 'customresourcedefinitions'],
  daemonset: ['apps', 'daemonsets'],
  deployment: ['apps', 'deployments'],
  event: ['', 'events'],
  job: ['batch', 'jobs'],
  namespace: ['', 'namespaces'],
  node: ['', 'nodes'],
  pod: ['', 'pods'],
  secret: ['', 'secrets'],
  service: ['', 'services'],
};

const groupAndResource = (kind: string): readonly [string, string] | undefined => {
  const [resource = '', ...group] = kind.split('.');
  return group.length > 0 ? [group.join('.'), resource] : (KIND[kind] ?? KIND[kind.replace(/s$/, '')]);
};

interface Wish {
  readonly verb: string;
  readonly kind: string;
  readonly where: string;
}

/** Literal uses of kubectl; kinds that a variable holds are beyond this test. */
const wishesOf = (file: string): Wish[] => {
  const text = readFileSync(file, 'utf8').replaceAll('"$FOREIGN_CLUSTERS"', 'foreignclusters.core.liqo.io');
  const found = (pattern: RegExp, verb?: string): Wish[] =>
    [...text.matchAll(pattern)].map(([, one = '', two = '']) =>
      verb === undefined
        ? { verb: one === 'label' || one === 'annotate' ? 'patch' : one, kind: two, where: file }
        : { verb, kind: one, where: file },
    );
  const kinds = '([a-z]+(?:\\.[a-z.]+)?)\\b(?!=)';
  return [
    ...found(new RegExp(`\\bkube (get|create|delete|patch|label|annotate) ${kinds}`, 'g')),
    ...found(new RegExp(`\\bkube_within \\S+ (get|create|delete|patch|label|annotate) ${kinds}`, 'g')),
    ...found(new RegExp(`\\bkube_json ${kinds}`, 'g'), 'get'),
  ];
};

const allowed = (rules: readonly Rule[], { verb, kind }: Wish): boolean => {
  const known = groupAndResource(kind);
  if (known === undefined) return false;
  const [group, resource] = known;
  return rules.some(
    (rule) =>
      rule.apiGroups.includes(group) &&
      (rule.resources.includes(resource) || rule.resources.includes('*')) &&
      rule.verbs.includes(verb),
  );
};

describe("the scripts of the homelab's steps", () => {
  const wishes = scripts.flatMap(wishesOf);

  it('are found, and say what they want', () => {
    expect(scripts.length).toBeGreaterThan(10);
    expect(wishes.length).toBeGreaterThan(10);
    expect(wishes).toContainEqual(expect.objectContaining({ verb: 'get', kind: 'foreignclusters.core.liqo.io' }));
  });

  it('ask kubectl for nothing that the operator may not do', () => {
    expect(wishes.filter((wish) => !allowed(ALWAYS, wish))).toEqual([]);
  });
});
