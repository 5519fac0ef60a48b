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

type Looks = Record<string, string>;

/** Runs a script of ours in namespaces of its own and reads what it saw, one line a look. */
const looksOf = (namespaces: readonly string[], script: string, file: string): Looks => {
  const words = ['bash', resolve('test/system/imds-guard', script), process.execPath, resolve(file)];
  const { status, stdout, stderr } = spawnSync('unshare', [...namespaces, ...words], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${stdout}${stderr}`);
  const lines = stdout.trimEnd().split('\n');
  return Object.fromEntries(lines.map((line) => line.split('=') as [string, string]));
};

describe.skipIf(skipLoudly('the guard of instance metadata', missing()))('the guard of instance metadata', () => {
  let looks: Looks = {};
  beforeAll(() => {
    looks = looksOf(['--net', '--mount'], 'world.sh', 'ami/base/files/usr/local/lib/carrierarr/imds-guard.sh');
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

const bootless = (): string | undefined =>
  missing() ??
  (spawnSync('which', ['systemd-nspawn']).status === 0
    ? undefined
    : 'systemd-nspawn is not installed (systemd-container)');

describe.skipIf(skipLoudly('the guard under real systemd', bootless()))('the guard under real systemd', () => {
  let looks: Looks = {};
  beforeAll(() => {
    looks = looksOf(['--mount'], 'machine.sh', 'ami/base/files');
  });

  it('lets root of the machine through, and neither others nor root of a container', () => {
    expect(looks).toMatchObject({
      'root of a service': 'yes',
      'nobody of a service': 'no',
      'root of a container': 'no',
      'root of a burstable container': 'no',
    });
  });

  it('comes before k3s, which runs on when it is restarted', () => {
    expect(looks).toMatchObject({ 'k3s with the guard': 'yes', 'k3s runs on': 'yes', 'nobody after a restart': 'no' });
  });

  it('stays when it is stopped, and k3s does not start where it failed; root gets through all the same', () => {
    expect(looks).toMatchObject({
      'nobody after a stop': 'no',
      'k3s without the guard': 'no',
      'root without the guard': 'yes',
    });
  });

  it('stands beside a unit that lets the agent do its work, and nothing else', () => {
    const may = ['metadata', 'the mesh', 'this machine'].map((whom) => [`agent reaches ${whom}`, 'yes']);
    const mayNot = ['reaches the internet', 'writes to /etc', 'becomes somebody else', 'mounts'];
    const norThis = ['loads a module', 'makes a device', 'reads the kernel log', 'makes a namespace'];

    expect(looks).toMatchObject({
      ...Object.fromEntries(may),
      'agent asks systemd': 'yes',
      'agent restarts a service': 'yes',
      'agent runs Node.js': 'yes',
      "agent reads root's files": 'yes',
      'agent keeps files of its own': 'yes',
      ...Object.fromEntries([...mayNot, ...norThis].map((what) => [`agent ${what}`, 'no'])),
      'agent Result': 'success',
      'agent NRestarts': '0',
    });
  });
});
