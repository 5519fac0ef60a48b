import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join, relative } from 'node:path';
import { gzipSync } from 'node:zlib';
import { IMAGES } from '#contract';
import { type TarEntry, tar } from './tar.ts';

const ROOT = join(import.meta.dirname, '../..');
const CACHE = join(ROOT, 'node_modules', '.cache', 'carrierarr', 'bake');

/** Parts of `ami/` that image scripts need; Packer's own files stay at home. */
const PARTS = [...IMAGES, 'lib', 'versions.env', 'bake.sh'];
/** Where the agent's own build leaves it, or where somebody has put one; the first that is there. */
const AGENTS = ['agent/worker/dist', 'ami/worker-agent'];

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

const entry = (base: string, file: string, prefix: string): TarEntry => ({
  name: `${prefix}${relative(base, file)}`,
  executable: (statSync(file).mode & 0o100) !== 0,
  contents: readFileSync(file),
});

/** The entries in the order of their names, whatever the file system thinks. */
const entriesOf = (root: string): TarEntry[] => {
  const ami = join(root, 'ami');
  const agent = AGENTS.map((folder) => join(root, folder)).find(existsSync);
  return [
    ...PARTS.flatMap((part) => filesUnder(join(ami, part))).map((file) => entry(ami, file, '')),
    ...(agent === undefined ? [] : filesUnder(agent).map((file) => entry(agent, file, 'worker-agent/'))),
  ].toSorted((a, b) => (a.name < b.name ? -1 : 1));
};

/** Named by its content; two processes may write it at the same time. */
const store = (archive: Uint8Array, sha256: string): string => {
  const file = join(CACHE, `${sha256}.tar.gz`);
  if (existsSync(file)) return file;
  mkdirSync(CACHE, { recursive: true });
  const draft = mkdtempSync(join(CACHE, '.draft-'));
  writeFileSync(join(draft, 'bake.tar.gz'), archive);
  renameSync(join(draft, 'bake.tar.gz'), file);
  rmSync(draft, { recursive: true });
  return file;
};

/**
 * Packs `ami/` and, where it has been built, the worker agent. An archive of our own making instead of the CDK's zip:
 * its checksum is known before it is uploaded, so that whoever unpacks it as root can check it.
 */
export const bakeBundle = (root: string = ROOT): BakeBundle => {
  const entries = entriesOf(root);
  const archive = gzipSync(tar(entries), { level: 9 });
  const sha256 = createHash('sha256').update(archive).digest('hex');
  const hasAgent = entries.some(({ name }) => name.startsWith('worker-agent/'));
  return { file: store(archive, sha256), sha256, hasAgent };
};
