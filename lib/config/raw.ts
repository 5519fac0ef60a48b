/** A configuration that is merged but not yet parsed: anything may be anywhere. */
export type Raw = unknown;

/** @returns undefined where there is nothing at that path. */
export const valueAt = (raw: Raw, path: string): unknown =>
  path
    .split('.')
    .reduce<unknown>(
      (value, key) => (typeof value === 'object' && value !== null ? Reflect.get(value, key) : undefined),
      raw,
    );

export const textAt = (raw: Raw, path: string): string => {
  const value = valueAt(raw, path);
  return typeof value === 'string' ? value : '';
};

export const listAt = (raw: Raw, path: string): string[] => {
  const value = valueAt(raw, path);
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];
};
