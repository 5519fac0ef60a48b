import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Image } from '#contract';
import { ConfigurationError } from '#shared/errors.ts';

const ROOT = join(import.meta.dirname, '../..');
const SCRIPT = /^[1-9][0-9]-[a-z0-9-]+\.sh$/;
const LAST = /^9/;

/** Scripts of one folder in the order of their numbers, repo-relative. */
const scriptsIn = (root: string, image: Image): string[] => {
  const folder = `ami/${image}/scripts`;
  if (!existsSync(join(root, folder))) return [];
  const names = readdirSync(join(root, folder)).filter((name) => name.endsWith('.sh'));
  const stray = names.filter((name) => !SCRIPT.test(name));
  if (stray.length > 0) {
    throw new ConfigurationError({
      what: `${folder} holds scripts that no image would run`,
      got: stray.join(', '),
      allowed: '10-name.sh to 99-name.sh: lower-case letters, digits, hyphens',
      remedy: 'rename the file; what is sourced by scripts belongs into ami/lib',
    });
  }
  return names.toSorted().map((name) => `${folder}/${name}`);
};

/**
 * What an image runs, in order and relative to the repository: base's scripts below 90, its own, base's from 90 on
 * (cleaning, validation). The one source for all three ways of building; a test compares them.
 */
export const scriptsOf = (image: Image, root: string = ROOT): readonly string[] => {
  const base = scriptsIn(root, 'base');
  const isLast = (script: string): boolean => LAST.test(script.slice(script.lastIndexOf('/') + 1));
  const own = image === 'base' ? [] : scriptsIn(root, image);
  return [...base.filter((script) => !isLast(script)), ...own, ...base.filter(isLast)];
};

/** Units of an image that start by themselves: base's, then its own. */
export const unitsOf = (image: Image, root: string = ROOT): readonly string[] =>
  [...new Set<Image>(['base', image])]
    .map((name) => join(root, 'ami', name, 'units.txt'))
    .filter((file) => existsSync(file))
    .flatMap((file) => readFileSync(file, 'utf8').split('\n'))
    .map((line) => line.replace(/#.*/, '').trim())
    .filter((unit) => unit !== '');
