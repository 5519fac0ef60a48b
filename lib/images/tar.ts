import { ConfigurationError } from '#shared/errors.ts';

/** A file of an archive. */
export interface TarEntry {
  /** Path in the archive. */
  readonly name: string;
  readonly executable: boolean;
  readonly contents: Uint8Array;
}

const BLOCK = 512;
const NAME_BYTES = 100;
/** The same for all, so that equal trees make equal archives; tar complains of anything in 1970. */
const MTIME_SECONDS = Date.UTC(2000, 0, 1) / 1000;

const octal = (value: number, width: number): string => `${value.toString(8).padStart(width - 1, '0')}\0`;

const header = ({ name, executable, contents }: TarEntry): Buffer => {
  if (Buffer.byteLength(name) > NAME_BYTES) {
    throw new ConfigurationError({
      what: 'a path is too long for the archive of the image scripts',
      got: name,
      allowed: `${NAME_BYTES} bytes`,
      remedy: 'shorten the path',
    });
  }
  const block = Buffer.alloc(BLOCK);
  const fields: readonly (readonly [offset: number, text: string])[] = [
    [0, name],
    [100, octal(executable ? 0o755 : 0o644, 8)],
    [108, octal(0, 8)],
    [116, octal(0, 8)],
    [124, octal(contents.byteLength, 12)],
    [136, octal(MTIME_SECONDS, 12)],
    [148, ' '.repeat(8)],
    [156, '0'],
    [257, 'ustar\x0000'],
    [265, 'root'],
    [297, 'root'],
  ];
  for (const [offset, text] of fields) block.write(text, offset, 'latin1');
  const checksum = block.reduce((sum, byte) => sum + byte, 0);
  block.write(`${checksum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return block;
};

const padding = (size: number): Buffer => Buffer.alloc((BLOCK - (size % BLOCK)) % BLOCK);

/**
 * An archive in the ustar format, byte for byte the same for the same entries. Written here because neither tar of
 * Linux nor that of macOS can do that with options that the other one knows.
 * @throws ConfigurationError for a path of more than 100 bytes
 */
export const tar = (entries: readonly TarEntry[]): Buffer =>
  Buffer.concat([
    ...entries.flatMap((entry) => [header(entry), entry.contents, padding(entry.contents.byteLength)]),
    Buffer.alloc(2 * BLOCK),
  ]);
