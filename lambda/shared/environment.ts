import type * as z from 'zod';
import { ConfigurationError } from './errors.ts';

/**
 * Parses a function's environment once, at initialisation.
 * @throws ConfigurationError naming every variable that is missing or malformed.
 */
export const parseEnvironment = <T extends z.ZodType>(
  schema: T,
  environment: NodeJS.ProcessEnv = process.env,
): z.output<T> => {
  const parsed = schema.safeParse(environment);
  if (parsed.success) return parsed.data;
  const faults = parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`);
  throw new ConfigurationError({
    what: `environment of the function is incomplete: ${faults.join(' | ')}`,
    remedy: 'deploy the stack again; do not edit function variables by hand',
  });
};
