import type { CommandError } from '../errors.ts';
import { type Output, paint } from './output.ts';

const field = (output: Output, name: string, value: string | undefined): string =>
  value === undefined || value === '' ? '' : `  ${paint(output, 'dim', name.padEnd(8))} ${value}\n`;

/** What, got, allowed, remedy: one line each; the faults of an input one line each. */
export const renderError = (output: Output, error: CommandError): void => {
  const { what, got, allowed, remedy } = error.facts;
  output.write(`${paint(output, 'red', 'error:')} ${what}\n`);
  for (const fault of error.faults) {
    output.write(`  ${fault.field}: ${fault.what}; got ${fault.got}; allowed: ${fault.allowed}\n`);
  }
  output.write(field(output, 'got', got) + field(output, 'allowed', allowed) + field(output, 'remedy', remedy));
};

export const errorToJson = (error: CommandError): string => {
  const { what, got, allowed, remedy } = error.facts;
  return JSON.stringify({ event: 'error', exitCode: error.exitCode, what, got, allowed, remedy, faults: error.faults });
};
