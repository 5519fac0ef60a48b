import { ENUM_NAMES, fieldsOf, type MessageName, valuesOf, type WireField } from './contract.ts';
import type { PeerMessage } from './peer-types.ts';

/** Which values a sample holds. */
export type Flavour = 'usual' | 'extreme';

const extremes: Record<string, unknown> = {
  string: '\u0000ünïcödé 🛰',
  bool: true,
  int32: -(2 ** 31),
  int64: '9223372036854775807',
  double: -Number.MIN_VALUE,
  Timestamp: { seconds: '-62135596800', nanos: 999_999_999 },
};

function usual(field: WireField): unknown {
  switch (field.type) {
    case 'string':
      return `${field.name} ${field.number}`;
    case 'bool':
      return true;
    case 'int32':
      return 100 + field.number;
    case 'int64':
      return `${2n ** 33n + BigInt(field.number)}`;
    case 'double':
      return field.number + 0.25;
    case 'Timestamp':
      return { seconds: '1795337820', nanos: 250_000_000 };
    default:
      return undefined;
  }
}

function content(field: WireField, flavour: Flavour): unknown {
  const enumName = ENUM_NAMES.find((name) => name === field.type);
  if (enumName !== undefined) return Object.keys(valuesOf(enumName)).at(-1);
  const scalar = flavour === 'usual' ? usual(field) : extremes[field.type];
  return scalar ?? sample(field.type as MessageName, flavour);
}

/** A message that holds something in each of its fields; of alternatives, the first unless another is named. */
export function sample(name: MessageName, flavour: Flavour = 'usual', alternative?: string): PeerMessage {
  const fields = fieldsOf(name);
  const chosen = alternative ?? fields.find((field) => field.kind === 'one')?.name;
  const pairs = fields
    .filter((field) => field.kind !== 'one' || field.name === chosen)
    .map((field) => {
      const value = content(field, flavour);
      if (field.kind === 'map') return [field.name, { [`${value} key`]: value }];
      if (field.kind === 'rep') return [field.name, [value, value]];
      return [field.name, value];
    });
  return Object.fromEntries(pairs);
}

/** The alternatives of a message, or one `undefined` if it has none. */
export function alternativesOf(name: MessageName): readonly (string | undefined)[] {
  const names = fieldsOf(name)
    .filter((field) => field.kind === 'one')
    .map((field) => field.name);
  return names.length > 0 ? names : [undefined];
}
