import { access, constants } from 'node:fs/promises';
import { delimiter, join } from 'node:path';

/** Where on PATH a program is; undefined when it is not there. */
export const findProgram = async (name: string, environment: NodeJS.ProcessEnv): Promise<string | undefined> => {
  for (const folder of (environment.PATH ?? '').split(delimiter).filter(Boolean)) {
    const file = join(folder, name);
    try {
      await access(file, constants.X_OK);
      return file;
    } catch {
      // Not in this folder.
    }
  }
  return undefined;
};
