/** What a Kubernetes API carries: anything JSON, with the head that every object has. */
export type Dict = Record<string, unknown>;

export interface Metadata {
  name: string;
  namespace?: string;
  generateName?: string;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  finalizers?: string[];
  ownerReferences?: { kind: string; name: string; uid: string }[];
  uid?: string;
  resourceVersion?: string;
  creationTimestamp?: string;
  deletionTimestamp?: string;
}

export interface KubeObject {
  apiVersion: string;
  kind: string;
  metadata: Metadata;
  [field: string]: unknown;
}

export const isDict = (value: unknown): value is Dict =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The value below a path, undefined where there is none. */
export const dig = (value: unknown, ...path: readonly (string | number)[]): unknown => {
  let current = value;
  for (const key of path) {
    if (Array.isArray(current)) current = current[Number(key)];
    else if (isDict(current)) current = current[key];
    else return undefined;
  }
  return current;
};

export const textAt = (value: unknown, ...path: readonly (string | number)[]): string => {
  const found = dig(value, ...path);
  return typeof found === 'string' || typeof found === 'number' || typeof found === 'boolean' ? String(found) : '';
};

export const dictAt = (value: unknown, ...path: readonly (string | number)[]): Dict => {
  const found = dig(value, ...path);
  return isDict(found) ? found : {};
};

export const listAt = (value: unknown, ...path: readonly (string | number)[]): unknown[] => {
  const found = dig(value, ...path);
  return Array.isArray(found) ? found : [];
};

/** Labels, annotations and the like. */
export const textsAt = (value: unknown, ...path: readonly (string | number)[]): Record<string, string> =>
  Object.fromEntries(Object.entries(dictAt(value, ...path)).map(([key, entry]) => [key, String(entry)]));

export const isKubeObject = (value: unknown): value is KubeObject =>
  isDict(value) && typeof value.apiVersion === 'string' && typeof value.kind === 'string' && isDict(value.metadata);

export const sameJson = (one: unknown, other: unknown): boolean => JSON.stringify(one) === JSON.stringify(other);

/** RFC 7386: null takes a field away, everything but objects is replaced. */
export const mergePatch = (target: unknown, patch: unknown): unknown => {
  if (!isDict(patch)) return patch;
  const result: Dict = isDict(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key];
    else result[key] = mergePatch(result[key], value);
  }
  return result;
};

/** A patch that also takes away what the last apply had set and this one leaves out. */
export const applyPatch = (last: unknown, wanted: unknown): unknown => {
  if (!isDict(wanted)) return wanted;
  const patch: Dict = {};
  for (const key of isDict(last) ? Object.keys(last) : []) if (!(key in wanted)) patch[key] = null;
  for (const [key, value] of Object.entries(wanted)) patch[key] = applyPatch(dig(last, key), value);
  return patch;
};
