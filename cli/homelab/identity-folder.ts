import { randomBytes } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { CommandError } from '../errors.ts';
import { EXIT } from '../exit-codes.ts';
import type { Certified } from './certificates.ts';

/** Where the operator keeps what must not be in the clone: the CA, the control plane's certificate, the command token. */
export const identityFolder = (fleet: string, given: string | undefined, environment: NodeJS.ProcessEnv): string =>
  resolve(
    given ?? join(environment.XDG_CONFIG_HOME || join(environment.HOME || homedir(), '.config'), 'carrierarr', fleet),
  );

export const IDENTITY_FILES = {
  authority: { certificate: 'ca.crt', key: 'ca.key' },
  controlPlane: { certificate: 'control-plane.crt', key: 'control-plane.key' },
  commandToken: 'command-token',
} as const;

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';

/** Undefined where there is no such file. */
const readIfThere = async (file: string): Promise<string | undefined> => {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw new CommandError(EXIT.setup, {
      what: 'a file of the identity cannot be read',
      got: `${file}: ${codeOf(error)}`,
      remedy: 'run the command as whoever made it, or name another --directory',
      cause: error,
    });
  }
};

/** @returns undefined where either is missing */
export const readCertified = async (
  folder: string,
  files: { readonly certificate: string; readonly key: string },
): Promise<Certified | undefined> => {
  const [certificate, key] = await Promise.all(
    [files.certificate, files.key].map((name) => readIfThere(join(folder, name))),
  );
  return certificate === undefined || key === undefined ? undefined : { certificate, key };
};

/** Which of the files are there. */
export const presentIn = async (folder: string, names: readonly string[]): Promise<string[]> => {
  const texts = await Promise.all(names.map((name) => readIfThere(join(folder, name))));
  return names.filter((_, index) => texts[index] !== undefined);
};

const PRIVATE = { mode: 0o600 } as const;

/**
 * Writes files that nobody else may read. Each comes to its name whole or not at all.
 *
 * @param replace - else a file that is there is an error of the file system
 */
export const writePrivate = async (
  folder: string,
  files: Readonly<Record<string, string>>,
  replace = false,
): Promise<void> => {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  for (const [name, text] of Object.entries(files)) {
    const file = join(folder, name);
    if (!replace) await writeFile(file, text, { ...PRIVATE, flag: 'wx' });
    else {
      const fresh = `${file}.${randomBytes(4).toString('hex')}`;
      await writeFile(fresh, text, { ...PRIVATE, flag: 'wx' });
      await rename(fresh, file);
    }
  }
};

/** 256 bits; without padding, so that it is one word in a header. */
const newToken = (): string => randomBytes(32).toString('base64url');

/** The token for commands: made once, and kept, since whoever sends commands needs it too. */
export const commandTokenIn = async (folder: string): Promise<string> => {
  const known = (await readIfThere(join(folder, IDENTITY_FILES.commandToken)))?.trim();
  if (known !== undefined && known !== '') return known;
  const token = newToken();
  await writePrivate(folder, { [IDENTITY_FILES.commandToken]: `${token}\n` }, true);
  return token;
};
