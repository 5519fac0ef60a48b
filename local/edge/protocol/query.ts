/** A value of the EC2 query protocol: text, a list written as `Name.1`, `Name.2`, or a structure written as `Name.Member`. */
export type QueryValue = string | QueryValue[] | { [member: string]: QueryValue };

type Branch = Map<string, Branch | string>;

const insert = (root: Branch, path: readonly string[], value: string): void => {
  const [head, ...rest] = path;
  if (head === undefined) return;
  if (rest.length === 0) {
    root.set(head, value);
    return;
  }
  const next = root.get(head);
  const branch: Branch = next instanceof Map ? next : new Map();
  root.set(head, branch);
  insert(branch, rest, value);
};

const toValue = (node: Branch | string): QueryValue => {
  if (typeof node === 'string') return node;
  const keys = [...node.keys()];
  const entries = [...node.entries()];
  if (keys.length > 0 && keys.every((key) => /^[0-9]+$/.test(key))) {
    return entries.sort(([a], [b]) => Number(a) - Number(b)).map(([, child]) => toValue(child));
  }
  return Object.fromEntries(entries.map(([key, child]) => [key, toValue(child)]));
};

/** Parses the form body of an EC2 query request into nested lists and structures. */
export const parseQuery = (body: string): { [member: string]: QueryValue } => {
  const root: Branch = new Map();
  for (const [name, value] of new URLSearchParams(body)) insert(root, name.split('.'), value);
  const parsed = toValue(root);
  return typeof parsed === 'string' || Array.isArray(parsed) ? {} : parsed;
};
