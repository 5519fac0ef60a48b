import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  type Stats,
  statSync,
} from 'node:fs';
import { join, relative } from 'node:path';
import { create, type WriteEntry } from 'tar';
import { IMAGES } from '#contract';

const ROOT = join(import.meta.dirname, '../..');
const CACHE = join(ROOT, 'node_modules', '.cache', 'carrierarr', 'bake');

/** Parts of `ami/` that image scripts need; Packer's own files stay at home. */
const PARTS = [...IMAGES, 'lib', 'versions.env', 'bake.sh'];
/** Where somebody has put one, or where ours is built; the first that is there. */
const AGENTS = ['ami/worker-agent', 'agent/worker/dist'];
/** The same for all, so that equal trees make equal archives; tar complains of anything in 1970. */
const WRITTEN = new Date(Date.UTC(2000, 0, 1));

/** Everything the scripts of images need, in one archive. */
export interface BakeBundle {
  /** Path of a .tar.gz. */
  readonly file: string;
  readonly sha256: string;
  /** Whether the worker agent is in it. */
  readonly hasAgent: boolean;
}

const filesUnder = (path: string): string[] => {
  if (!existsSync(path)) return [];
  if (statSync(path).isFile()) return [path];
  return readdirSync(path, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
};

interface Entry {
  readonly file: string;
  /** Path in the archive. */
  readonly name: string;
}

/** The entries in the order of their names, whatever the file system thinks. */
const entriesOf = (root: string): Entry[] => {
  const ami = join(root, 'ami');
  const agent = AGENTS.map((folder) => join(root, folder)).find(existsSync);
  return [
    ...PARTS.flatMap((part) => filesUnder(join(ami, part))).map((file) => ({ file, name: relative(ami, file) })),
    ...(agent === undefined
      ? []
      : filesUnder(agent).map((file) => ({ file, name: `worker-agent/${relative(agent, file)}` }))),
  ].toSorted((a, b) => (a.name < b.name ? -1 : 1));
};

/** What differs between two checkouts of one tree goes: rights by umask, links by whoever copied it, which are followed. */
const plain = (file: string): Stats => {
  const stat = statSync(file);
  stat.mode = (stat.mode & 0o100) === 0 ? 0o100644 : 0o100755;
  stat.nlink = 1;
  return stat;
};

/** Writes them to a file, byte for byte the same for the same entries. */
const pack = (file: string, entries: readonly Entry[]): void => {
  const names = new Map(entries.map((entry) => [entry.file, entry.name]));
  const statCache = new Map(entries.map((entry) => [entry.file, plain(entry.file)]));
  const onWriteEntry = (entry: WriteEntry) => {
    entry.path = names.get(entry.absolute) ?? entry.path;
  };
  const options = { portable: true, gzip: { level: 6 }, mtime: WRITTEN, preservePaths: true, statCache, onWriteEntry };
  create({ ...options, sync: true, file }, [...names.keys()]);
};

/** Of everything that makes the archive what it is: packing the agent anew takes seconds, and a synthesis should not. */
const keyOf = (entries: readonly Entry[]): string => {
  const key = createHash('sha256');
  for (const { name, file } of entries) {
    const content = createHash('sha256').update(readFileSync(file)).digest('hex');
    key.update(`${name}\0${plain(file).mode}\0${content}\n`);
  }
  return key.digest('hex');
};

/** Named by what is in it; two processes may write it at the same time. */
const store = (entries: readonly Entry[]): Omit<BakeBundle, 'hasAgent'> => {
  const file = join(CACHE, `${keyOf(entries)}.tar.gz`);
  if (!existsSync(file)) {
    mkdirSync(CACHE, { recursive: true });
    const draft = mkdtempSync(join(CACHE, '.draft-'));
    const archive = join(draft, 'bake.tar.gz');
    pack(archive, entries);
    renameSync(archive, file);
    rmSync(draft, { recursive: true });
  }
  return { file, sha256: createHash('sha256').update(readFileSync(file)).digest('hex') };
};

/**
 * Packs `ami/` and, where it has been built, the worker agent. An archive of our own making instead of the CDK's zip:
 * its checksum is known before it is uploaded, so that whoever unpacks it as root can check it.
 */
export const bakeBundle = (root: string = ROOT): BakeBundle => {
  const entries = entriesOf(root);
  return { ...store(entries), hasAgent: entries.some(({ name }) => name.startsWith('worker-agent/')) };
};
