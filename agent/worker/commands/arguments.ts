import * as z from 'zod/mini';
import { oneLine } from '../text.ts';
import { type Handler, type Order, type Outcome, refused, type Tools } from './outcome.ts';

const faultOf = (error: z.core.$ZodError, known: readonly string[]): string => {
  const faults = error.issues.map((issue) =>
    issue.code === 'unrecognized_keys'
      ? `unknown argument ${issue.keys.map((key) => oneLine(key, 40)).join(', ')}`
      : `${issue.path.join('.') || 'arguments'}: ${issue.message}`,
  );
  return `${faults.join('; ')} (arguments: ${known.join(', ') || 'none'})`;
};

/** A command that runs only with arguments that its schema takes; everything else is refused with all faults at once. */
export const withArguments =
  <S extends z.ZodMiniObject>(
    schema: S,
    run: (tools: Tools, args: z.infer<S>, order: Order) => Promise<Outcome>,
  ): Handler =>
  async (tools, order) => {
    const parsed = schema.safeParse(order.args);
    if (!parsed.success) return refused(faultOf(parsed.error, Object.keys(schema.shape)));
    return run(tools, parsed.data, order);
  };

/** A whole number in an argument, which the wire carries as text. */
export const wholeNumber = (least: number, most: number) => {
  const allowed = `must be a whole number from ${least} to ${most}`;
  const fits = (text: string): boolean => /^\d{1,9}$/.test(text) && Number(text) >= least && Number(text) <= most;
  return z.string().check(z.refine(fits, allowed));
};

/** A text of a bounded length that fits a pattern. */
export const textLike = (pattern: RegExp, most: number, allowed: string) =>
  z.string().check(z.maxLength(most, `is longer than ${most} characters`), z.regex(pattern, allowed));

/** A model's name as Ollama has them: `[host[:port]/][namespace/]model[:tag]`. */
export const modelName = textLike(
  /^[A-Za-z0-9][A-Za-z0-9._-]*(?::\d{1,5}(?=\/))?(?:\/[A-Za-z0-9][A-Za-z0-9._-]*){0,4}(?::[A-Za-z0-9][A-Za-z0-9._-]*)?$/,
  200,
  'is no model name such as llama3.2:3b',
);
