import type * as z from 'zod';
import { type Fault, InputError } from './errors.ts';

const show = (value: unknown): string =>
  value === undefined ? 'nothing' : (JSON.stringify(value) ?? String(value)).slice(0, 120);

const valueAt = (input: unknown, path: readonly PropertyKey[]): unknown =>
  path.reduce<unknown>((at, key) => (typeof at === 'object' && at !== null ? Reflect.get(at, key) : undefined), input);

const allowedOf = (issue: z.core.$ZodIssue): string => {
  switch (issue.code) {
    case 'invalid_value':
      return issue.values.map(String).join(', ');
    case 'invalid_type':
      return issue.expected;
    case 'too_small':
      return `at least ${issue.minimum}`;
    case 'too_big':
      return `at most ${issue.maximum}`;
    case 'unrecognized_keys':
      return 'only documented fields';
    default:
      return issue.message;
  }
};

const toFault = (issue: z.core.$ZodIssue, input: unknown): Fault => ({
  field:
    issue.path.length > 0
      ? issue.path.map(String).join('.')
      : issue.code === 'unrecognized_keys'
        ? issue.keys.join(', ')
        : '(input)',
  what: issue.code === 'unrecognized_keys' ? 'unknown field' : 'not valid',
  got: show(issue.code === 'unrecognized_keys' ? issue.keys : valueAt(input, issue.path)),
  allowed: allowedOf(issue),
});

/**
 * Parses what somebody outside handed in.
 * @throws InputError with every fault at once: what, got and allowed.
 */
export const parseInput = <T extends z.ZodType>(schema: T, input: unknown): z.output<T> => {
  const parsed = schema.safeParse(input);
  if (parsed.success) return parsed.data;
  throw new InputError(parsed.error.issues.map((issue) => toFault(issue, input)));
};
