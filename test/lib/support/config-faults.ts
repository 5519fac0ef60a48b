import { InputError } from '#shared/errors.ts';
import { parseConfig } from '../../../lib/config.ts';

/** What is refused about a configuration; nothing where it is taken. */
export const faultsOf = (...layers: unknown[]) => {
  try {
    parseConfig(...layers);
  } catch (error) {
    if (error instanceof InputError) return error.faults;
    throw error;
  }
  return [];
};

export const fieldsOf = (...layers: unknown[]): string[] => faultsOf(...layers).map(({ field }) => field);
