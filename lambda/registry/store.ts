/**
 * What the registry needs of a key-value table: conditional writes and transactions on items with one string key.
 * Conditions are data rather than expression strings, so that DynamoDB and the in-memory twin of the tests decide
 * from the same words.
 */
export type ItemKind = 'WORKER' | 'ADDR' | 'CLUSTER' | 'EXEC' | 'CERT' | 'ORPHAN';

export interface Item {
  /** `<kind>#<id>`. */
  readonly pk: string;
  readonly kind: ItemKind;
  readonly [attribute: string]: unknown;
}

export type Scalar = string | number;

/** Attribute names may be dotted paths into maps (`lease.holder`). An absent attribute equals nothing. */
export type Condition =
  | { readonly all: readonly Condition[] }
  | { readonly any: readonly Condition[] }
  | { readonly absent: string }
  | { readonly attribute: string; readonly oneOf: readonly Scalar[] }
  | { readonly attribute: string; readonly atMost: Scalar };

export const all = (...conditions: readonly Condition[]): Condition => ({ all: conditions });
export const any = (...conditions: readonly Condition[]): Condition => ({ any: conditions });
export const absent = (attribute: string): Condition => ({ absent: attribute });
export const oneOf = (attribute: string, values: readonly Scalar[]): Condition => ({ attribute, oneOf: values });
export const equals = (attribute: string, value: Scalar): Condition => oneOf(attribute, [value]);
/** Strings compare byte by byte, which for ISO 8601 instants of one length is their order in time. */
export const atMost = (attribute: string, value: Scalar): Condition => ({ attribute, atMost: value });

export interface Update {
  readonly pk: string;
  /** Names may be dotted paths into maps that exist. */
  readonly set?: Readonly<Record<string, unknown>>;
  /** Set only where the attribute does not exist yet. */
  readonly setOnce?: Readonly<Record<string, unknown>>;
  readonly add?: Readonly<Record<string, number>>;
  readonly remove?: readonly string[];
  readonly condition?: Condition;
}

export interface Put {
  readonly item: Item;
  readonly condition?: Condition;
}

export type TransactResult =
  | { readonly done: true }
  | {
      readonly done: false;
      /** Indexes of the writes whose condition did not hold; empty when another transaction was in the way. */
      readonly failed: readonly number[];
    };

export interface Store {
  /** Strongly consistent. */
  get(pk: string): Promise<Item | undefined>;
  /** False when the condition did not hold. */
  put(put: Put): Promise<boolean>;
  /** The item as it is afterwards, or undefined when the condition did not hold. */
  update(update: Update): Promise<Item | undefined>;
  remove(pk: string): Promise<void>;
  /** All or nothing. */
  transact(puts: readonly Put[]): Promise<TransactResult>;
  /** By the index, a moment behind the table: good for looking around, not for deciding that something is not there. */
  list(kind: ItemKind): Promise<Item[]>;
}
