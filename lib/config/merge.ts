type Dictionary = Record<string, unknown>;
const isDictionary = (value: unknown): value is Dictionary =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Objects are merged key by key, the later one wins; everything else, arrays too, is replaced. */
export const deepMerge = (base: unknown, over: unknown): unknown => {
  if (!isDictionary(base) || !isDictionary(over)) return over === undefined ? base : over;
  const keys = new Set([...Object.keys(base), ...Object.keys(over)]);
  return Object.fromEntries([...keys].map((key) => [key, deepMerge(base[key], over[key])]));
};
