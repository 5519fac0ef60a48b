import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BakeSandbox } from './support/bake-sandbox.ts';

const PROGRAM = 'ami/gpu-worker/files/usr/local/lib/carrierarr/instance-store.sh';
const STORE = 'Amazon EC2 NVMe Instance Storage         ';

let sandbox: BakeSandbox;
let place: string;
beforeEach(() => {
  sandbox = new BakeSandbox();
  place = join(sandbox.folder, 'private/ollama');
  for (const name of ['wipefs', 'mkfs.xfs', 'mount', 'findmnt', 'udevadm']) {
    sandbox.program(
      name,
      `printf '%s\\n' "${name} $*" >>"$SANDBOX/calls"\n[[ ! -e $SANDBOX/says/${name} ]] || cat "$SANDBOX/says/${name}"\n[[ ! -e $SANDBOX/fails/${name} ]]`,
    );
  }
  sandbox.fails('findmnt');
});
afterEach(() => sandbox.remove());

const disk = (name: string, more: Record<string, unknown> = {}) => ({
  name,
  path: `/dev/${name}`,
  type: 'disk',
  model: STORE,
  fstype: null,
  pttype: null,
  label: null,
  size: 125_000_000_000,
  mountpoints: [null],
  ...more,
});
const root = disk('nvme0n1', {
  model: 'Amazon Elastic Block Store',
  pttype: 'gpt',
  children: [{ name: 'nvme0n1p1', mountpoints: ['/'] }],
});
const EMPTY_VOLUME = disk('nvme9n1', { model: 'Amazon Elastic Block Store' });

const run = (...blockdevices: object[]) => {
  sandbox.program('lsblk', `cat "$SANDBOX/says/lsblk"`);
  sandbox.says('lsblk', JSON.stringify({ blockdevices: [root, EMPTY_VOLUME, ...blockdevices] }));
  return sandbox.run(['bash', PROGRAM, place]);
};
/** What was done to disks. */
const deeds = () => sandbox.calls().filter((call) => /^(mkfs|mount)/.test(call));
const MOUNT = (name: string) => `mount --types xfs --options noatime,nodev,nosuid /dev/${name} ${place}`;
const FORMAT = (name: string) => `mkfs.xfs -q -K -L carrierarr /dev/${name}`;

describe('the instance store', () => {
  it('that is blank is formatted and carries the models', () => {
    const { status, stdout } = run(disk('nvme1n1'));

    expect(status).toBe(0);
    expect(stdout).toContain('models are on /dev/nvme1n1');
    expect(deeds()).toEqual([FORMAT('nvme1n1'), MOUNT('nvme1n1')]);
  });

  it('of before a reboot is mounted as it is', () => {
    run(disk('nvme2n1', { size: 900_000_000_000 }), disk('nvme1n1', { fstype: 'xfs', label: 'carrierarr' }));

    expect(deeds()).toEqual([MOUNT('nvme1n1')]);
  });

  it('is the largest disk where there are more', () => {
    run(disk('nvme1n1'), disk('nvme2n1', { size: 900_000_000_000 }), disk('nvme3n1'));

    expect(deeds()).toEqual([FORMAT('nvme2n1'), MOUNT('nvme2n1')]);
  });

  it('is no volume, even where one is blank', () => {
    const { status, stdout } = run();

    expect(status).toBe(0);
    expect(stdout).toContain('models go to the root volume');
    expect(deeds()).toEqual([]);
  });

  it.each([
    ['has partitions', { pttype: 'gpt', children: [{ name: 'nvme1n1p1', mountpoints: [null] }] }],
    ['has an empty table of partitions', { pttype: 'dos' }],
    ['is part of something else', { children: [{ name: 'md0', mountpoints: [null] }] }],
    ['has a file system of somebody else', { fstype: 'ext4', label: 'carrierarr' }],
    ['has a file system without our label', { fstype: 'xfs' }],
    ['is in use', { mountpoints: ['/mnt'] }],
  ])('that %s is left alone', (_, more) => {
    const { status, stdout } = run(disk('nvme1n1', more));

    expect(status).toBe(0);
    expect(stdout).toContain('models go to the root volume');
    expect(deeds()).toEqual([]);
  });

  it('with a signature that udev did not see is left alone', () => {
    sandbox.says('wipefs', '0x200 gpt PTUUID\n');

    const { status, stdout } = run(disk('nvme1n1'));

    expect(status).toBe(0);
    expect(stdout).toContain('/dev/nvme1n1 is not blank');
    expect(deeds()).toEqual([]);
  });

  it('that cannot be looked at is left alone', () => {
    sandbox.fails('wipefs');

    run(disk('nvme1n1'));

    expect(deeds()).toEqual([]);
  });

  it('hides no models that lie on the root volume already', () => {
    mkdirSync(place, { recursive: true });
    writeFileSync(join(place, 'model'), '');

    expect(run(disk('nvme1n1')).stdout).toContain('models stay on the root volume');
    expect(deeds()).toEqual([]);
  });

  it('is not mounted twice', () => {
    sandbox.program('findmnt', 'true');

    expect(run(disk('nvme1n1')).status).toBe(0);
    expect(deeds()).toEqual([]);
  });

  it('that cannot be formatted is said and not mounted', () => {
    sandbox.fails('mkfs.xfs');

    expect(run(disk('nvme1n1')).status).not.toBe(0);
    expect(deeds()).toEqual([FORMAT('nvme1n1')]);
  });
});
