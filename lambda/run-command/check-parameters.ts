import { COMMON_PARAMETERS, type Step, type StepParameter } from '#contract';
import { type Fault, InputError } from '../shared/errors.ts';

type Steps = Readonly<Record<string, Step>>;

const unknownStep = (steps: Steps, step: string): Fault => ({
  field: 'step',
  what: 'no such step',
  got: step,
  allowed: Object.keys(steps).join(', '),
});

const faultOf = (field: string, parameter: StepParameter, value: string | undefined): Fault | undefined => {
  if (value === undefined) {
    const missing = { field, what: 'missing', got: 'nothing', allowed: parameter.allowedPattern };
    return parameter.default === undefined ? missing : undefined;
  }
  if (value.length > parameter.maxChars) {
    return {
      field,
      what: 'too long',
      got: `${value.length} characters`,
      allowed: `at most ${parameter.maxChars} characters`,
    };
  }
  // `$` also matches before a trailing newline in other engines, hence no newline at all.
  if (new RegExp(parameter.allowedPattern).test(value) && !value.includes('\n')) return undefined;
  return { field, what: 'malformed', got: JSON.stringify(value), allowed: parameter.allowedPattern };
};

/**
 * Checks parameters against the step's document before anything is sent.
 * @throws InputError with every fault at once
 */
export const checkParameters = (steps: Steps, step: string, parameters: Readonly<Record<string, string>>): void => {
  const known = Object.hasOwn(steps, step) ? steps[step] : undefined;
  if (known === undefined) throw new InputError([unknownStep(steps, step)]);
  const wanted: Readonly<Record<string, StepParameter>> = { ...COMMON_PARAMETERS, ...known.parameters };
  const faults = [
    ...Object.entries(wanted).map(([field, parameter]) => faultOf(field, parameter, parameters[field])),
    ...Object.keys(parameters)
      .filter((field) => !Object.hasOwn(wanted, field))
      .map((field) => ({ field, what: 'unknown to the step', got: field, allowed: Object.keys(wanted).join(', ') })),
  ].filter((fault) => fault !== undefined);
  if (faults.length > 0) throw new InputError(faults);
};
