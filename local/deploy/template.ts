import * as z from 'zod';
import { ConfigurationError } from '#shared/errors.ts';
import { type CertifiedRole, certifiedRoleOf } from './certified-role.ts';
import { findUndeployable } from './undeployable.ts';

const Resource = z.looseObject({
  Type: z.string(),
  Properties: z.record(z.string(), z.unknown()).optional(),
  DependsOn: z.union([z.string(), z.array(z.string())]).optional(),
});
type Resource = z.infer<typeof Resource>;

const Template = z.looseObject({ Resources: z.record(z.string(), Resource) });
export type Template = z.infer<typeof Template>;

export interface RemovedResource {
  readonly logicalId: string;
  readonly type: string;
  readonly reason: string;
}

export interface PrunedTemplate {
  readonly template: Template;
  readonly removed: readonly RemovedResource[];
  /** Content of the Run Command documents among them, by name. */
  readonly documents: Readonly<Record<string, unknown>>;
  /** Whom IAM Roles Anywhere lets in, and to do what; undefined where the template has no trust anchor. */
  readonly certified: CertifiedRole | undefined;
}

const DOCUMENT = 'AWS::SSM::Document';

const literalName = ({ Properties }: Resource): string | undefined =>
  typeof Properties?.Name === 'string' ? Properties.Name : undefined;

const documentName = (logicalId: string, resource: Resource): string => {
  const name = literalName(resource);
  if (name !== undefined) return name;
  throw new ConfigurationError({
    what: `document ${logicalId} has no literal name`,
    got: JSON.stringify(resource.Properties?.Name),
    remedy: 'give the document a name that is known when the template is synthesised',
  });
};

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

interface Reference {
  readonly target: unknown;
  readonly attribute: unknown;
}

const referenced = (value: Record<string, unknown>): Reference => {
  if (Object.keys(value).length !== 1) return { target: undefined, attribute: undefined };
  const { Ref: target, 'Fn::GetAtt': path } = value;
  return Array.isArray(path) ? { target: path[0], attribute: path[1] } : { target, attribute: undefined };
};

/** What stands where something refers to a removed resource: a document's name, an attribute that can be made up. */
const substitute = ({ target, attribute }: Reference, { Type, ...rest }: Resource): unknown => {
  if (attribute === undefined) return Type === DOCUMENT ? literalName({ Type, ...rest }) : undefined;
  return findUndeployable(Type)?.attribute?.(String(target), String(attribute));
};

/** Replaces references to removed resources. @throws ConfigurationError where nothing can stand in for one */
const replaceReferences = (value: unknown, gone: ReadonlyMap<string, Resource>): unknown => {
  if (Array.isArray(value)) return value.map((item) => replaceReferences(item, gone));
  if (!isRecord(value)) return value;
  const reference = referenced(value);
  const resource = typeof reference.target === 'string' ? gone.get(reference.target) : undefined;
  if (resource === undefined) {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, replaceReferences(item, gone)]));
  }
  const found = substitute(reference, resource);
  if (found !== undefined) return found;
  throw new ConfigurationError({
    what: 'the embedded cloud cannot leave out a resource that others need',
    got: `${JSON.stringify(value)}, of type ${resource.Type}`,
    remedy: 'refer to it by a name that is known when the template is synthesised',
  });
};

const withoutDependencies = (resource: Resource, gone: ReadonlyMap<string, Resource>): Resource => {
  const { DependsOn, ...rest } = resource;
  const kept = [DependsOn ?? []].flat().filter((id) => !gone.has(id));
  return kept.length === 0 ? rest : { ...rest, DependsOn: kept };
};

/**
 * Takes out of a synthesised template what the emulator cannot deploy.
 * @throws ConfigurationError if something that stays needs something that goes
 */
export const pruneTemplate = (source: unknown): PrunedTemplate => {
  const template = Template.parse(source);
  const removed: RemovedResource[] = [];
  const gone = new Map<string, Resource>();
  const documents: Record<string, unknown> = {};
  for (const [logicalId, resource] of Object.entries(template.Resources)) {
    const entry = findUndeployable(resource.Type);
    if (entry === undefined) continue;
    gone.set(logicalId, resource);
    removed.push({ logicalId, type: resource.Type, reason: entry.reason });
    if (resource.Type === DOCUMENT) documents[documentName(logicalId, resource)] = resource.Properties?.Content;
  }
  const kept = Object.entries(template.Resources)
    .filter(([logicalId]) => !gone.has(logicalId))
    .map(([logicalId, resource]) => [logicalId, withoutDependencies(resource, gone)]);
  const pruned = replaceReferences({ ...template, Resources: Object.fromEntries(kept) }, gone);
  return { template: Template.parse(pruned), removed, documents, certified: certifiedRoleOf(template.Resources) };
};
