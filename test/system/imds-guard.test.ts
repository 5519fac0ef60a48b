import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { skipLoudly } from './support/nebula-programs.ts';

const missing = (): string | undefined => {
  if (process.getuid?.() !== 0) return 'not root';
  if (spawnSync('nft', ['--version']).status !== 0) return 'nft is not installed (nftables)';
  const { status, stderr } = spawnSync('unshare', ['--net', 'nft', 'add table inet probe'], { encoding: 'utf8' });
  return status === 0 ? undefined : `the kernel has no nftables here: ${stderr.trim()}`;
};

/** What everybody gets of the metadata: root over IPv4 and IPv6, then somebody else. */
const seen = (moment: string, root: string, nobody: string) => ({
  [`${moment} root 4`]: root,
  [`${moment} root 6`]: root,
  [`${moment} nobody 4`]: nobody,
  [`${moment} nobody 6`]: nobody,
});

describe.skipIf(skipLoudly('the guard of instance metadata', missing()))('the guard of instance metadata', () => {
  let looks: Record<string, string> = {};

  beforeAll(() => {
    const guard = resolve('ami/base/files/usr/local/lib/carrierarr/imds-guard.sh');
    const world = ['bash', resolve('test/system/imds-guard/world.sh'), process.execPath, guard];
    const { status, stdout, stderr } = spawnSync('unshare', ['--net', '--mount', ...world], { encoding: 'utf8' });
    if (status !== 0) throw new Error(`${stdout}${stderr}`);
    looks = Object.fromEntries(
      stdout
        .trimEnd()
        .split('\n')
        .map((line) => line.split('=') as [string, string]),
    );
  });

  it('is needed: without it anybody on the host gets the credentials', () => {
    expect(looks).toMatchObject(seen('open', 'yes', 'yes'));
  });

  it('lets root through and nobody else, and leaves the mark that k3s waits for', () => {
    expect(looks).toMatchObject(seen('guarded', 'yes', 'no'));
    expect(looks.mark).toBe('imds-guarded');
  });

  it('stands after a restart and after others changed tables of theirs, with no rule twice', () => {
    expect(looks).toMatchObject(seen('again', 'yes', 'no'));
    expect(looks.rules).toBe('2');
  });

  it('stays as it is where new rules are refused, and root is never locked out', () => {
    expect(looks.refused).toBe('yes');
    expect(looks).toMatchObject(seen('refused', 'yes', 'no'));
  });
});
