import { accessSync, constants, realpathSync } from 'node:fs';
import { delimiter, join } from 'node:path';

export interface NebulaPrograms {
  readonly nebula: string;
  readonly nebulaCert: string;
}

const find = (program: string, folders: readonly string[]): string | undefined =>
  folders
    .map((folder) => join(folder, program))
    .find((path) => {
      try {
        accessSync(path, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });

/** Looks for the real programs in the folder CARRIERARR_NEBULA names, else on PATH; undefined unless both are there. */
export const findNebula = (environment: NodeJS.ProcessEnv): NebulaPrograms | undefined => {
  const folders = environment.CARRIERARR_NEBULA?.split(delimiter) ?? (environment.PATH ?? '').split(delimiter);
  const nebula = find('nebula', folders);
  const nebulaCert = find('nebula-cert', folders);
  return nebula === undefined || nebulaCert === undefined ? undefined : { nebula: realpathSync(nebula), nebulaCert };
};
