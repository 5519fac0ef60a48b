import { ConfigurationError } from '../../lambda/shared/errors.ts';

/** The name of a checksum in versions.env, as bake_pin of ami/lib/bake.sh builds it. */
export const pinName = (product: string, version: string): string =>
  `${product}_SHA256_${version.replace(/[^A-Za-z0-9]/g, '_')}`;

/** A value of versions.env. */
export const versionIn = (text: string, name: string): string | undefined =>
  text
    .split('\n')
    .findLast((line) => line.startsWith(`${name}=`))
    ?.slice(name.length + 1);

/**
 * The text with one more checksum, behind the others of its product or behind the line that chooses the version. One
 * that is there is never replaced: a file that changed under its name is what checksums are for.
 */
export const withPin = (
  text: string,
  pin: { name: string; sha256: string; product: string; chosenBy: string },
): string => {
  const present = versionIn(text, pin.name);
  if (present === pin.sha256) return text;
  if (present !== undefined) {
    throw new ConfigurationError({
      what: `${pin.name} is pinned to another checksum: the file has changed since it was verified`,
      got: pin.sha256,
      allowed: present,
      remedy:
        'find out why before anything else; take the line out of ami/versions.env only if the publisher explains it',
    });
  }
  const lines = text.split('\n');
  const siblings = lines.findLastIndex((line) => line.startsWith(`${pin.product}_SHA256_`));
  const at = siblings === -1 ? lines.findLastIndex((line) => line.startsWith(`${pin.chosenBy}=`)) : siblings;
  return lines.toSpliced(at + 1, 0, `${pin.name}=${pin.sha256}`).join('\n');
};
