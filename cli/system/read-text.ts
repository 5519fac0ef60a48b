import { readFile } from 'node:fs/promises';
import { CommandError } from '../errors.ts';
import { EXIT } from '../exit-codes.ts';

const code = (error: unknown): string =>
  error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';

/** @throws CommandError (usage) when it cannot be read */
export const readText = async (file: string, meaning: string): Promise<string> => {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw new CommandError(EXIT.usage, {
      what: `${meaning} cannot be read`,
      got: `${file}: ${code(error)}`,
      remedy: 'name a file that exists and that you may read',
      cause: error,
    });
  }
};
