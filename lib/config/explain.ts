import { findCarrierarrError, InputError } from '#shared/errors.ts';

/**
 * A configuration's faults for a person: one line each.
 * @returns undefined where the error is none of ours, and its stack is of use
 */
export const explainConfigError = (error: unknown): string | undefined => {
  if (error instanceof InputError) {
    const lines = error.faults.map(
      ({ field, what, got, allowed }) => `  ${field}: ${what}; got ${got}; allowed: ${allowed}`,
    );
    return ['The configuration has faults:', ...lines, `Remedy: ${error.remedy}`].join('\n');
  }
  return findCarrierarrError(error)?.message;
};

/** Runs what needs the configuration; its faults end the process without a stack in which they would drown. */
export const orExplain = <T>(run: () => T): T => {
  try {
    return run();
  } catch (error) {
    const explanation = explainConfigError(error);
    if (explanation === undefined) throw error;
    console.error(explanation);
    process.exit(1);
  }
};
