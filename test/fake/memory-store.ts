import type { Condition, Item, Put, Scalar, Store, Update } from '../../lambda/registry/store.ts';

const valueAt = (item: Item | undefined, path: string): unknown =>
  path
    .split('.')
    .reduce<unknown>((at, key) => (typeof at === 'object' && at !== null ? Reflect.get(at, key) : undefined), item);

const isAtMost = (value: unknown, limit: Scalar): boolean =>
  (typeof value === 'string' && typeof limit === 'string' && value <= limit) ||
  (typeof value === 'number' && typeof limit === 'number' && value <= limit);

const holds = (condition: Condition | undefined, item: Item | undefined): boolean => {
  if (condition === undefined) return true;
  if ('all' in condition) return condition.all.every((part) => holds(part, item));
  if ('any' in condition) return condition.any.some((part) => holds(part, item));
  if ('absent' in condition) return valueAt(item, condition.absent) === undefined;
  const value = valueAt(item, condition.attribute);
  return 'oneOf' in condition ? condition.oneOf.some((one) => one === value) : isAtMost(value, condition.atMost);
};

/** As DynamoDB does: a path into a map that is not there is an error. */
const setAt = (into: Record<string, unknown>, [first = '', ...rest]: readonly string[], value: unknown): void => {
  if (rest.length === 0) {
    into[first] = value;
    return;
  }
  const map = into[first];
  if (typeof map !== 'object' || map === null) throw new Error(`no map ${first} to set ${rest.join('.')} in`);
  setAt(map as Record<string, unknown>, rest, value);
};

const apply = (update: Update, item: Item | undefined): Item => {
  const next: Record<string, unknown> = structuredClone({ ...item });
  for (const [path, value] of Object.entries(update.set ?? {})) setAt(next, path.split('.'), value);
  for (const [name, value] of Object.entries(update.setOnce ?? {})) next[name] ??= value;
  for (const [name, by] of Object.entries(update.add ?? {})) next[name] = Number(next[name] ?? 0) + by;
  for (const name of update.remove ?? []) delete next[name];
  return next as Item;
};

/** The table in memory: each call takes effect at once, after one turn of the event loop, so that callers interleave. */
export interface MemoryStore extends Store {
  readonly items: Map<string, Item>;
}

export const createMemoryStore = (): MemoryStore => {
  const items = new Map<string, Item>();
  const turn = () => new Promise<void>((resolve) => setImmediate(resolve));
  const copy = <T>(value: T): T => structuredClone(value);
  const save = (put: Put) => items.set(put.item.pk, copy(put.item));

  return {
    items,
    async get(pk) {
      await turn();
      return copy(items.get(pk));
    },
    async put(put) {
      await turn();
      if (!holds(put.condition, items.get(put.item.pk))) return false;
      save(put);
      return true;
    },
    async update(update) {
      await turn();
      const before = items.get(update.pk);
      if (!holds(update.condition, before)) return undefined;
      const after = copy(apply(update, before));
      items.set(update.pk, after);
      return copy(after);
    },
    async remove(pk) {
      await turn();
      items.delete(pk);
    },
    async transact(puts) {
      await turn();
      const failed = puts.flatMap((put, index) => (holds(put.condition, items.get(put.item.pk)) ? [] : [index]));
      if (failed.length > 0) return { done: false, failed };
      for (const put of puts) save(put);
      return { done: true };
    },
    async list(kind) {
      await turn();
      return copy([...items.values()].filter((item) => item.kind === kind));
    },
  };
};
