import { AwsRefusal } from '../protocol/refusal.ts';

export interface Filter {
  readonly name: string;
  readonly values: readonly string[];
}

/** What a resource offers to filters: one or more texts by filter name, and its tags. */
export interface Filterable {
  readonly fields: Readonly<Record<string, string | readonly string[]>>;
  readonly tags: Readonly<Record<string, string>>;
}

/** EC2 filter values know `*` and `?` as wildcards. */
const wildcard = (pattern: string): RegExp =>
  new RegExp(
    `^${pattern
      .replace(/[.+^${}()|[\]\\]/g, '\\$&')
      .replaceAll('*', '.*')
      .replaceAll('?', '.')}$`,
  );

const candidates = (resource: Filterable, name: string): readonly string[] => {
  if (name === 'tag-key') return Object.keys(resource.tags);
  if (name.startsWith('tag:')) {
    const value = resource.tags[name.slice('tag:'.length)];
    return value === undefined ? [] : [value];
  }
  const field = resource.fields[name];
  if (field === undefined) {
    throw new AwsRefusal('InvalidParameterValue', `The filter '${name}' is invalid`);
  }
  return typeof field === 'string' ? [field] : field;
};

/**
 * Whether a resource passes every filter; the values of one filter are alternatives.
 * @throws AwsRefusal InvalidParameterValue for a filter this emulation does not know, rather than ignoring it
 */
export const passes = (resource: Filterable, filters: readonly Filter[]): boolean =>
  filters.every(({ name, values }) => {
    const patterns = values.map(wildcard);
    return candidates(resource, name).some((text) => patterns.some((pattern) => pattern.test(text)));
  });
