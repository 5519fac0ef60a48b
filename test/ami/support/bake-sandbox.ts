/**
 * Runs image scripts as they are: the image's files lie under a folder (`BAKE_ROOT`), programs that would change this
 * machine are stand-ins on PATH which record their calls, and downloads come from a folder that plays the whole
 * internet, with checksums of its own in a copy of versions.env. Needs no root and no network.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import type { Image } from '#contract';

/** How a script ended. */
export type Run = { status: number | null; stdout: string; stderr: string };

/** The kernel that runs in the sandbox, and that its image boots. */
export const KERNEL = '6.1.155-176.282.amzn2023.x86_64';

const STANDINS = resolve('test/ami/support/standins');
const RECORDED = [
  'journalctl',
  'modprobe',
  'depmod',
  'udevadm',
  'dkms',
  'ldconfig',
  'sysctl',
  'grubby',
  'uname',
  'df',
  'nft',
];
const TREE = ['base', 'lighthouse', 'gpu-worker', 'lib', 'bake.sh'];

const sha256 = (content: string | Buffer): string => createHash('sha256').update(content).digest('hex');

/** One machine that becomes an image. */
export class BakeSandbox {
  readonly folder = fs.mkdtempSync(join(tmpdir(), 'carrierarr-bake-'));
  /** The image's files. */
  readonly root = join(this.folder, 'root');
  /** The tree that both builders lay down. */
  readonly tree = join(this.root, 'opt/carrierarr/bake');

  /** @param from - a machine to begin with, as it is now; without one it is fresh from its AMI. */
  constructor(from?: BakeSandbox) {
    if (from === undefined) this.install();
    else fs.cpSync(from.folder, this.folder, { recursive: true, verbatimSymlinks: true, preserveTimestamps: true });
  }

  private install(): void {
    for (const each of ['says', 'fails', 'packages', 'enabled', 'modules', 'mirror', 'bin', 'home']) {
      fs.mkdirSync(join(this.folder, each));
    }
    fs.mkdirSync(this.tree, { recursive: true });
    for (const name of TREE) fs.symlinkSync(resolve('ami', name), join(this.tree, name));
    fs.copyFileSync('ami/versions.env', join(this.tree, 'versions.env'));
    for (const name of fs.readdirSync(STANDINS)) {
      if (name !== 'record') fs.symlinkSync(join(STANDINS, name), join(this.folder, 'bin', name));
    }
    for (const name of RECORDED) fs.symlinkSync(join(STANDINS, 'record'), join(this.folder, 'bin', name));
    this.says('uname', `${KERNEL}\n`);
    this.says('grubby', `/boot/vmlinuz-${KERNEL}\n`);
    this.package('amazon-ssm-agent', '3.3.3050.0');
    this.package('amazon-ec2-net-utils', '2.5.5');
    this.package('system-release', '2023.9.20251110');
    this.forgetCalls();
  }

  /** Runs one script of the tree, named from there: `base/scripts/40-nebula.sh`. */
  script(name: string, image: Image = 'base', env: Record<string, string> = {}): Run {
    return this.run(['bash', join(this.tree, name)], { IMAGE: image, ...env });
  }

  /** Runs the whole list. */
  bake(image: Image, env: Record<string, string> = {}, ...options: string[]): Run {
    return this.run(['bash', join(this.tree, 'bake.sh'), ...options, image], env);
  }

  /** Runs any command as a script would be run. */
  run([program = '', ...words]: string[], env: Record<string, string> = {}): Run {
    const { status, stdout, stderr } = spawnSync(program, words, {
      encoding: 'utf8',
      timeout: 60_000,
      env: {
        PATH: `${join(this.folder, 'bin')}:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin`,
        HOME: join(this.folder, 'home'),
        SANDBOX: this.folder,
        BAKE_DIR: this.tree,
        BAKE_ROOT: this.root,
        ...env,
      },
    });
    return { status, stdout, stderr };
  }

  /** Calls of the stand-ins so far, one a line; files of the image by their own names. */
  calls(): string[] {
    const lines = fs.readFileSync(join(this.folder, 'calls'), 'utf8').replaceAll(this.root, '').split('\n');
    return lines.filter((line) => line !== '');
  }

  forgetCalls(): void {
    fs.writeFileSync(join(this.folder, 'calls'), '');
  }

  /** What was asked of the internet. */
  downloads(): string[] {
    return this.calls().flatMap((call) => /^curl .*(https?:\S+)$/.exec(call)?.[1] ?? []);
  }

  /** Puts a file on the internet; the answer is its checksum. */
  publish(url: string, content: string | Buffer): string {
    const file = join(this.folder, 'mirror', url.replace(/^https?:\/\//, ''));
    fs.mkdirSync(dirname(file), { recursive: true });
    fs.writeFileSync(file, content);
    return sha256(content);
  }

  /** Publishes an archive (by its name .tar.gz or .tar.zst) of these files, all of them programs. */
  publishArchive(url: string, members: Record<string, string>): string {
    const from = fs.mkdtempSync(join(this.folder, 'archive-'));
    for (const [name, content] of Object.entries(members)) {
      fs.mkdirSync(dirname(join(from, name)), { recursive: true });
      fs.writeFileSync(join(from, name), content, { mode: 0o755 });
    }
    const compression = url.endsWith('.zst') ? '--zstd' : '--gzip';
    const { stdout, status, stderr } = spawnSync('tar', [compression, '-cf', '-', '-C', from, ...Object.keys(members)]);
    if (status !== 0) throw new Error(`tar: ${stderr}`);
    return this.publish(url, stdout);
  }

  /** Writes a checksum into the sandbox's versions.env; the last one for a version counts. */
  pin(product: string, version: string, checksum: string): void {
    this.setVersion(`${product}_SHA256_${version.replace(/[^A-Za-z0-9]/g, '_')}`, checksum);
  }

  setVersion(name: string, value: string): void {
    fs.appendFileSync(join(this.tree, 'versions.env'), `\n${name}=${value}\n`);
  }

  /** Takes every checksum of a product out of the sandbox's versions.env. */
  unpin(product: string): void {
    const file = join(this.tree, 'versions.env');
    const lines = fs.readFileSync(file, 'utf8').split('\n');
    fs.writeFileSync(file, lines.filter((line) => !line.startsWith(`${product}_SHA256_`)).join('\n'));
  }

  /** A version as versions.env has it. */
  version(name: string): string {
    const lines = fs.readFileSync(join(this.tree, 'versions.env'), 'utf8').split('\n');
    const found = lines.findLast((line) => line.startsWith(`${name}=`));
    if (found === undefined) throw new Error(`versions.env has no ${name}`);
    return found.slice(name.length + 1);
  }

  /** What a stand-in prints. */
  says(program: string, text: string): void {
    fs.writeFileSync(join(this.folder, 'says', program), text);
  }

  /** Makes a stand-in fail. */
  fails(program: string): void {
    fs.writeFileSync(join(this.folder, 'fails', program), '');
  }

  /** A program of its own instead of a stand-in. */
  program(name: string, body: string): void {
    const file = join(this.folder, 'bin', name);
    fs.rmSync(file, { force: true });
    fs.writeFileSync(file, `#!/bin/bash\nset -euo pipefail\n${body}\n`, { mode: 0o755 });
  }

  /** An installed package; without a version it is taken away. */
  package(name: string, version?: string): void {
    const file = join(this.folder, 'packages', name.replaceAll('/', '_'));
    if (version === undefined) fs.rmSync(file, { force: true });
    else fs.writeFileSync(file, version);
  }

  hasPackage(name: string): boolean {
    return fs.existsSync(join(this.folder, 'packages', name.replaceAll('/', '_')));
  }

  /** A kernel module, made for that kernel. */
  module(name: string, kernel: string = KERNEL): void {
    fs.writeFileSync(join(this.folder, 'modules', name), kernel);
  }

  enabled(): string[] {
    return fs.readdirSync(join(this.folder, 'enabled')).sort();
  }

  /** Takes a unit out of those that start by themselves. */
  disable(unit: string): void {
    fs.rmSync(join(this.folder, 'enabled', unit));
  }

  /** A file of the image as this machine names it. */
  path(file: string): string {
    return join(this.root, file);
  }

  read(file: string): string {
    return fs.readFileSync(this.path(file), 'utf8');
  }

  exists(file: string): boolean {
    return fs.existsSync(this.path(file));
  }

  mode(file: string): string {
    return (fs.statSync(this.path(file)).mode & 0o777).toString(8);
  }

  write(file: string, content: string | Buffer, mode = 0o644): void {
    fs.mkdirSync(dirname(this.path(file)), { recursive: true });
    fs.writeFileSync(this.path(file), content);
    fs.chmodSync(this.path(file), mode);
  }

  /** Every file of the image, the tree aside: its mode, when it was written and its checksum, or where it points. */
  snapshot(): Record<string, string> {
    const found: Record<string, string> = {};
    for (const name of fs.readdirSync(this.root, { recursive: true, encoding: 'utf8' }).sort()) {
      if (name.startsWith('opt/carrierarr/bake')) continue;
      const file = join(this.root, name);
      const status = fs.lstatSync(file);
      if (status.isSymbolicLink()) found[name] = `-> ${fs.readlinkSync(file)}`;
      else if (status.isFile()) found[name] = `${this.mode(name)} ${status.mtimeMs} ${sha256(fs.readFileSync(file))}`;
    }
    return found;
  }

  /** The image's manifest. */
  manifest(): { image: string; versions: Record<string, { version: string; sha256?: string }> } {
    return JSON.parse(this.read('etc/carrierarr/image.json'));
  }

  remove(): void {
    fs.rmSync(this.folder, { recursive: true, force: true });
  }
}
