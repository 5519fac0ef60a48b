import { readFileSync } from 'node:fs';
import { ConfigurationError, type Fault, InputError } from '#shared/errors.ts';
import { parseInput } from '#shared/input.ts';
import { crossFaults } from './checks.ts';
import { DEFAULTS } from './defaults.ts';
import { deepMerge } from './merge.ts';
import { Config } from './schema.ts';

/** Names a JSON file that is merged over `cdk.json`; the embedded cloud and tests use it. */
export const CONFIG_FILE_VARIABLE = 'CARRIERARR_CONFIG';

const readConfigFile = (path: string): unknown => {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as unknown;
  } catch (error) {
    throw new ConfigurationError({
      what: `the file named by ${CONFIG_FILE_VARIABLE} is not readable as JSON`,
      got: path,
      allowed: 'path of a JSON file with the keys of context.carrierarr',
      remedy: `correct or unset ${CONFIG_FILE_VARIABLE}`,
      cause: error,
    });
  }
};

const schemaFaults = (raw: unknown): Fault[] => {
  try {
    parseInput(Config, raw);
    return [];
  } catch (error) {
    if (error instanceof InputError) return [...error.faults];
    throw error;
  }
};

/**
 * Merges defaults, context and file, and checks the result.
 * @throws InputError with every fault at once: field, what, got, allowed.
 */
export const parseConfig = (...layers: unknown[]): Config => {
  const raw = layers.reduce(deepMerge, DEFAULTS);
  const faults = [...schemaFaults(raw), ...crossFaults(raw)];
  if (faults.length > 0) {
    throw new InputError(faults, 'correct context.carrierarr in cdk.json; docs/configuration.md describes every key');
  }
  return Config.parse(raw);
};

/** @param context the value of `context.carrierarr` in cdk.json. */
export const loadConfig = (context: unknown, environment: NodeJS.ProcessEnv = process.env): Config => {
  const file = environment[CONFIG_FILE_VARIABLE];
  return parseConfig(context, file === undefined || file === '' ? undefined : readConfigFile(file));
};
