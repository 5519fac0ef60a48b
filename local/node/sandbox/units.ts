import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { BootPlan } from './program/protocol.ts';

const BOOT_UNIT = 'carrierarr-boot.service';

/** A container, as systemd tells its units: the kernel and its start belong to the machine below. */
const CONTAINER = { path: '/run/systemd/container', text: 'carrierarr\n', mode: 0o644 };

type Entries = ReadonlyMap<string, readonly string[]>;

/** Values by `Section.Key`, in order of appearance. Understands what our own units use: no continuation, no drop-in. */
export const parseUnit = (text: string): Entries => {
  const entries = new Map<string, string[]>();
  let section = '';
  for (const line of text.split('\n').map((raw) => raw.trim())) {
    if (line === '' || line.startsWith('#') || line.startsWith(';')) continue;
    const header = /^\[(.+)\]$/.exec(line)?.[1];
    if (header !== undefined) {
      section = header;
      continue;
    }
    const [, key = '', value = ''] = /^([A-Za-z]+)=(.*)$/.exec(line) ?? [];
    const name = `${section}.${key}`;
    entries.set(name, [...(entries.get(name) ?? []), value]);
  }
  return entries;
};

const words = (values: readonly string[] | undefined): string[] =>
  (values ?? []).flatMap((value) => value.split(/\s+/)).filter((word) => word !== '');

/** systemd names a mount unit after its path: `etc-nebula.mount` for `/etc/nebula`. */
const mountUnitOf = (path: string): string => `${path.slice(1).replaceAll('-', '\\x2d').replaceAll('/', '-')}.mount`;

const mountsOf = (files: string, unit: Entries): BootPlan['mounts'] =>
  words(unit.get('Unit.RequiresMountsFor')).flatMap((path) => {
    const file = join(files, 'etc/systemd/system', mountUnitOf(path));
    if (!existsSync(file)) return [];
    const mount = parseUnit(readFileSync(file, 'utf8'));
    const type = mount.get('Mount.Type')?.[0];
    if (type !== 'tmpfs') throw new Error(`${file}: mounts ${type}, a node can mount tmpfs only`);
    return [{ where: mount.get('Mount.Where')?.[0] ?? path, options: mount.get('Mount.Options')?.join() ?? 'rw' }];
  });

/** The services that are ordered after the boot. What else starts by itself in an image is nothing for a node. */
const servicesOf = (files: string): string[] => {
  const folder = join(files, 'etc/systemd/system');
  return readdirSync(folder)
    .filter((name) => name.endsWith('.service'))
    .filter((name) => words(parseUnit(readFileSync(join(folder, name), 'utf8')).get('Unit.After')).includes(BOOT_UNIT));
};

const linesOf = (directory: string): string[] =>
  existsSync(directory)
    ? readdirSync(directory).flatMap((name) => readFileSync(join(directory, name), 'utf8').split('\n'))
    : [];

/** The `d` lines of tmpfiles.d: `d /run/carrierarr 0755 root root -`. */
const directoriesOf = (files: string): BootPlan['directories'] =>
  linesOf(join(files, 'usr/lib/tmpfiles.d')).flatMap((line) => {
    const [, path, mode] = /^d\s+(\/\S+)\s+([0-7]{3,4})\b/.exec(line) ?? [];
    return path === undefined || mode === undefined ? [] : [{ path, mode: Number.parseInt(mode, 8) }];
  });

/**
 * What systemd would do at boot with the image's files (`ami/base/files`): directories, mounts, the boot program.
 * @throws Error where a unit asks for something a node cannot do.
 */
export const readBootPlan = (files: string): BootPlan => {
  const file = join(files, 'etc/systemd/system', BOOT_UNIT);
  const directories = directoriesOf(files);
  if (!existsSync(file)) return { directories, files: [CONTAINER], mounts: [], unit: '', services: [] };
  return {
    directories,
    files: [CONTAINER],
    mounts: mountsOf(files, parseUnit(readFileSync(file, 'utf8'))),
    unit: BOOT_UNIT,
    services: servicesOf(files),
  };
};
