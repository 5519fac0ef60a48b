import * as z from 'zod';
import { ConfigurationError } from '#shared/errors.ts';
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

const referenced = (value: Record<string, unknown>): unknown => {
  if (Object.keys(value).length !== 1) return undefined;
  const attribute = value['Fn::GetAtt'];
  return value.Ref ?? (Array.isArray(attribute) ? attribute[0] : undefined);
};

/** Replaces references to removed resources: a document's reference is its name, anything else has no substitute. */
const replaceReferences = (value: unknown, gone: ReadonlyMap<string, Resource>): unknown => {
  if (Array.isArray(value)) return value.map((item) => replaceReferences(item, gone));
  if (!isRecord(value)) return value;
  const target = referenced(value);
  const resource = typeof target === 'string' ? gone.get(target) : undefined;
  if (resource !== undefined && value.Ref !== undefined && resource.Type === DOCUMENT) return literalName(resource);
  if (resource !== undefined) {
    throw new ConfigurationError({
      what: 'the embedded cloud cannot leave out a resource that others need',
      got: `${JSON.stringify(value)}, of type ${resource.Type}`,
      remedy: 'refer to it by a name that is known when the template is synthesised',
    });
  }
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, replaceReferences(item, gone)]));
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
  return { template: Template.parse(pruned), removed, documents };
};
