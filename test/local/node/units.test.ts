import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { parseUnit, readBootPlan } from '../../../local/node/sandbox/units.ts';

const made: string[] = [];
afterEach(() => {
  for (const folder of made.splice(0)) rmSync(folder, { recursive: true });
});

const files = (content: Record<string, string>): string => {
  const folder = mkdtempSync(join(tmpdir(), 'carrierarr-units-'));
  made.push(folder);
  for (const [path, text] of Object.entries(content)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  return folder;
};

const BOOT = 'etc/systemd/system/carrierarr-boot.service';
const MOUNT = 'etc/systemd/system/etc-nebula.mount';

describe('a unit file', () => {
  it('is read by section and key, comments left out, repeated keys kept', () => {
    const unit = parseUnit('# c\n[Unit]\nAfter=a\nAfter=b\n; d\n[Service]\nExecStart=/x -y=z\n');

    expect([...unit]).toEqual([
      ['Unit.After', ['a', 'b']],
      ['Service.ExecStart', ['/x -y=z']],
    ]);
  });
});

describe('the plan of a boot', () => {
  it('comes from the image: mounts the unit requires, directories, the unit', () => {
    const folder = files({
      [BOOT]: '[Unit]\nRequiresMountsFor=/etc/nebula /var\n[Service]\nExecStart=/usr/local/lib/carrierarr/boot.sh\n',
      [MOUNT]: '[Mount]\nWhat=tmpfs\nWhere=/etc/nebula\nType=tmpfs\nOptions=mode=0700,size=1m\n',
      'etc/systemd/system/watch.service':
        '[Unit]\nAfter=carrierarr-boot.service\n[Service]\nExecStart=/usr/bin/watch\n',
      'etc/systemd/system/other.service': '[Service]\nExecStart=/usr/bin/other\n',
      'usr/lib/tmpfiles.d/carrierarr.conf':
        '# x\nd /run/carrierarr 0755 root root -\nd /var/log/c 0700 root root 30d\n',
    });

    expect(readBootPlan(folder)).toEqual({
      unit: 'carrierarr-boot.service',
      services: ['watch.service'],
      files: [{ path: '/run/systemd/container', text: 'carrierarr\n', mode: 0o644 }],
      mounts: [{ where: '/etc/nebula', options: 'mode=0700,size=1m' }],
      directories: [
        { path: '/run/carrierarr', mode: 0o755 },
        { path: '/var/log/c', mode: 0o700 },
      ],
    });
  });

  it('refuses a mount that would reach beyond the node', () => {
    const folder = files({
      [BOOT]: '[Unit]\nRequiresMountsFor=/etc/nebula\n',
      [MOUNT]: '[Mount]\nWhat=/dev/vda\nWhere=/etc/nebula\nType=ext4\n',
    });

    expect(() => readBootPlan(folder)).toThrow(/ext4, a node can mount tmpfs only/);
  });

  it('is empty for an image without our files', () => {
    expect(readBootPlan(files({}))).toMatchObject({ unit: '', mounts: [], directories: [], services: [] });
  });

  it("of this repository's image starts the boot program with its keys on memory", () => {
    const plan = readBootPlan('ami/base/files');

    expect(plan.unit).toBe('carrierarr-boot.service');
    expect(plan.services).toEqual(['carrierarr-interruption.service']);
    expect(plan.mounts).toMatchObject([{ where: '/etc/nebula', options: expect.stringContaining('mode=0700') }]);
  });
});
