import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { parseAllDocuments } from 'yaml';
import * as z from 'zod';

const Metadata = z.object({
  name: z.string(),
  namespace: z.string().optional(),
  labels: z.record(z.string(), z.string()).optional(),
});
const Capabilities = z.object({ drop: z.array(z.string()).optional(), add: z.array(z.string()).optional() });
const SecurityContext = z.looseObject({
  privileged: z.boolean().optional(),
  allowPrivilegeEscalation: z.boolean().optional(),
  runAsNonRoot: z.boolean().optional(),
  runAsUser: z.number().optional(),
  capabilities: Capabilities.optional(),
  seccompProfile: z.object({ type: z.string() }).optional(),
});
const Container = z.looseObject({
  name: z.string(),
  image: z.string(),
  env: z.array(z.looseObject({ name: z.string(), value: z.string().optional() })).optional(),
  ports: z.array(z.looseObject({ hostPort: z.number().optional() })).optional(),
  resources: z.unknown().optional(),
  volumeMounts: z
    .array(z.looseObject({ name: z.string(), mountPath: z.string(), readOnly: z.boolean().optional() }))
    .optional(),
  securityContext: SecurityContext.optional(),
});
const PodSpec = z.looseObject({
  hostNetwork: z.boolean().optional(),
  hostPID: z.boolean().optional(),
  hostIPC: z.boolean().optional(),
  serviceAccountName: z.string().optional(),
  securityContext: SecurityContext.optional(),
  containers: z.array(Container),
  volumes: z.array(z.looseObject({ name: z.string() })).optional(),
});
export type PodSpec = z.infer<typeof PodSpec>;
export const Rule = z.object({
  apiGroups: z.array(z.string()),
  resources: z.array(z.string()),
  resourceNames: z.array(z.string()).optional(),
  verbs: z.array(z.string()),
});
export type Rule = z.infer<typeof Rule>;
const Manifest = z.looseObject({
  apiVersion: z.string(),
  kind: z.string(),
  metadata: Metadata,
  spec: z.looseObject({ template: z.looseObject({ spec: PodSpec }).optional() }).optional(),
  rules: z.array(Rule).optional(),
  roleRef: z.object({ kind: z.string(), name: z.string() }).optional(),
  subjects: z.array(z.object({ kind: z.string(), name: z.string(), namespace: z.string() })).optional(),
});
export type Manifest = z.infer<typeof Manifest>;

export const Kustomization = z.looseObject({
  resources: z.array(z.string()),
  images: z.array(z.object({ name: z.string(), newTag: z.string() })).optional(),
});

export const ROOT = 'homelab';
export const KUSTOMIZATIONS = ['.', 'installer', 'provider', 'cilium'].map((folder) => join(ROOT, folder));

export const parseFile = (file: string): unknown[] =>
  parseAllDocuments(readFileSync(file, 'utf8'), { strict: true, uniqueKeys: true }).map((document) => {
    const [error] = [...document.errors, ...document.warnings];
    if (error !== undefined) throw new Error(`${file}: ${error.message}`);
    return document.toJS() as unknown;
  });

/** Every YAML file of the room that is no kustomization, relative to it. */
export const manifestFiles = (): string[] =>
  readdirSync(ROOT, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.ya?ml$/.test(entry.name) && entry.name !== 'kustomization.yaml')
    .map((entry) => relative(ROOT, join(entry.parentPath, entry.name)))
    .filter((file) => !file.includes('node_modules'));

export const listed = (): string[] =>
  KUSTOMIZATIONS.flatMap((folder) => {
    const [document] = parseFile(join(folder, 'kustomization.yaml'));
    return Kustomization.parse(document).resources.map((file) => relative(ROOT, join(folder, file)));
  });

export const manifests = (): Manifest[] =>
  manifestFiles().flatMap((file) =>
    parseFile(join(ROOT, file)).map((document) => {
      const parsed = Manifest.safeParse(document);
      if (parsed.success) return parsed.data;
      throw new Error(`${dirname(file)}/${file}: ${z.prettifyError(parsed.error)}`);
    }),
  );

export const find = (kind: string, name: string): Manifest => {
  const found = manifests().find((manifest) => manifest.kind === kind && manifest.metadata.name === name);
  if (found === undefined) throw new Error(`no ${kind} ${name} in ${ROOT}`);
  return found;
};

/** An env file as kustomize reads it. */
export const envFile = (file: string): Record<string, string> =>
  Object.fromEntries(
    readFileSync(file, 'utf8')
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'))
      .map((line) => line.split('=', 2) as [string, string]),
  );
