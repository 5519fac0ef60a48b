import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { ConfigurationError } from '#shared/errors.ts';
import { nebulaPrograms, type Program } from '../../support/nebula-programs.ts';

const PROGRAMS = ['systemd-nspawn', 'dnsmasq', 'openssl', 'nft', 'jq', 'curl', 'ping', 'nsenter', 'unshare'];

const isInstalled = (program: string): boolean =>
  spawnSync('which', [program], { env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' } }).status === 0;

const trial = (): string | undefined => {
  const script =
    'mount -t tmpfs none /mnt && mkdir /mnt/u /mnt/w /mnt/r && mount -t overlay none -o lowerdir=/,upperdir=/mnt/u,workdir=/mnt/w /mnt/r';
  const { status, stderr } = spawnSync(
    'unshare',
    ['--mount', '--net', '--pid', '--fork', '--mount-proc', 'sh', '-c', script],
    { encoding: 'utf8' },
  );
  return status === 0 ? undefined : `the kernel forbids namespaces or overlays: ${stderr.trim().split('\n').at(-1)}`;
};

const findObstacle = (): string | undefined => {
  if (process.getuid?.() !== 0) return 'not root';
  const absent = PROGRAMS.filter((program) => !isInstalled(program));
  if (absent.length > 0) return `not installed: ${absent.join(', ')}`;
  if (!existsSync('/dev/net/tun')) return 'the kernel has no tunnel devices';
  if (nebulaPrograms.length === 0) return 'no nebula on PATH and none named by NEBULA_BIN';
  return trial();
};

/** Why no machine can be booted here; undefined when it can. */
export const bootObstacle = findObstacle();

/** The Nebula of both ends: the one NEBULA_BIN names, else the one on PATH. */
export const bootNebula = (): Program => {
  const [nebula] = nebulaPrograms;
  if (nebula !== undefined) return nebula;
  throw new ConfigurationError({ what: 'no nebula', remedy: 'install nebula, or name one by NEBULA_BIN' });
};
