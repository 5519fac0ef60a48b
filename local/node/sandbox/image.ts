import { existsSync } from 'node:fs';
import { cp, lchown, mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeAgentProgram } from './agent-program.ts';
import { removeTree } from './remove-tree.ts';

/** Directories of the host that a node sees under an overlay (see `PROGRAMS` and `settings` in cell.sh). */
const OVERLAID = ['usr', 'etc', 'opt'];
/** Directories in which a node's root may write although the host's root owns them. */
const WRITABLE = [
  'upper/etc/rancher/k3s',
  'upper/etc/systemd/system',
  'upper/opt',
  'upper/usr/bin',
  'upper/usr/lib',
  'upper/usr/local/bin',
  'upper/usr/local/lib',
  'upper/usr/local/sbin',
  'upper/usr/local/share',
  'upper/usr/sbin',
  'upper/usr/share',
];
const OWN = ['etc', 'home', 'media', 'mnt', 'proc', 'root', 'run', 'srv', 'tmp', 'var/lib', 'var/log', 'var/tmp'];

export interface ImageOptions {
  /** The node's own directory. */
  readonly directory: string;
  readonly hostname: string;
  /** Up to 32 hex digits. */
  readonly machineId: string;
  /** Folders whose content is installed verbatim, `ami/base/files` first; need not exist. */
  readonly files: readonly string[];
  /** Further lines of /etc/hosts: name to address. */
  readonly hosts: Readonly<Record<string, string>>;
  /** Host user id that becomes the node's root; undefined: the caller's. */
  readonly owner: number | undefined;
}

const settingsOf = ({ hostname, machineId, hosts }: ImageOptions): Record<string, string> => ({
  hostname: `${hostname}\n`,
  hosts: Object.entries({ localhost: '127.0.0.1', ...hosts })
    .map(([name, address]) => `${address} ${name}\n`)
    .join(''),
  'machine-id': `${machineId.padEnd(32, '0').slice(0, 32)}\n`,
  'resolv.conf': '# A node of the embedded cloud resolves nothing beyond /etc/hosts.\n',
});

const installFiles = async (files: string, directory: string): Promise<void> => {
  if (!existsSync(files)) return;
  for (const name of await readdir(files)) {
    const target = join(directory, OVERLAID.includes(name) ? 'upper' : 'root', name);
    await cp(join(files, name), target, { recursive: true });
  }
};

const giveTo = async (owner: number, path: string): Promise<void> => {
  await lchown(path, owner, owner);
  const entries = await readdir(path, { withFileTypes: true, recursive: true });
  await Promise.all(entries.map((entry) => lchown(join(entry.parentPath, entry.name), owner, owner)));
};

/**
 * Lays out what a node finds on its disk: `upper/` over the host's programs and settings, `root/` for the rest,
 * `work/` for the overlays, `agent/` for what plays AWS. Everything belongs to the node's root.
 */
export const layOutImage = async (options: ImageOptions): Promise<void> => {
  const { directory } = options;
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const folders = [...WRITABLE, ...OWN.map((name) => join('root', name)), 'work'];
  await Promise.all(folders.map((folder) => mkdir(join(directory, folder), { recursive: true, mode: 0o755 })));
  await writeAgentProgram(join(directory, 'agent'));
  for (const files of options.files) await installFiles(files, directory);
  for (const [name, text] of Object.entries(settingsOf(options))) {
    await writeFile(join(directory, 'upper/etc', name), text);
  }
  if (options.owner !== undefined) await giveTo(options.owner, directory);
};

/** Removes all of it, keys included; the console stays. */
export const removeImage = async (directory: string): Promise<void> => {
  await Promise.all(['agent', 'root', 'upper', 'work'].map((name) => removeTree(join(directory, name))));
};
