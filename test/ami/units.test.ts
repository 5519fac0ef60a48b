import { readFileSync, statSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

const FILES = 'ami/base/files';
const unit = (name: string): string => readFileSync(`${FILES}/etc/systemd/system/${name}`, 'utf8');
const settings = (name: string, key: string): string[] =>
  [...unit(name).matchAll(new RegExp(`^${key}=(.*)$`, 'gm'))].map(([, value]) => value ?? '');

describe('the boot unit', () => {
  it('runs the boot program of the image', () => {
    const [program = ''] = settings('carrierarr-boot.service', 'ExecStart');

    expect(statSync(`${FILES}${program}`).mode & 0o777).toBe(0o755);
    expect(settings('carrierarr-boot.service', 'Type')).toEqual(['oneshot']);
    expect(settings('carrierarr-boot.service', 'WantedBy')).toEqual(['multi-user.target']);
  });

  it('may take longer than the secret does to become readable', () => {
    const boot = readFileSync(`${FILES}/usr/local/lib/carrierarr/boot.sh`, 'utf8');
    const limit = Number(/SECRET_LIMIT_SECONDS=(\d+)/.exec(boot)?.[1]);

    expect(Number(settings('carrierarr-boot.service', 'TimeoutStartSec')[0])).toBeGreaterThan(limit + 60);
  });

  it.each(['carrierarr-boot.service', 'nebula.service'])('%s needs the memory that holds the key', (name) => {
    expect(settings(name, 'RequiresMountsFor')).toEqual(['/etc/nebula']);
    expect(settings('etc-nebula.mount', 'Where')).toEqual(['/etc/nebula']);
    expect(settings('etc-nebula.mount', 'Type')).toEqual(['tmpfs']);
    expect(settings('etc-nebula.mount', 'Options')[0]).toContain('mode=0700');
  });
});

describe('the nebula unit', () => {
  it('is started by the boot program alone: neither ordered after it nor enabled', () => {
    expect(unit('nebula.service')).not.toMatch(/carrierarr-boot\.service/);
    expect(unit('nebula.service')).not.toMatch(/^\[Install\]/m);
    expect(settings('nebula.service', 'ConditionPathExists')).toEqual(['/etc/nebula/config.yml']);
  });

  it('waits for its word, comes back by itself and rereads its files on a signal', () => {
    expect(settings('nebula.service', 'Type')).toEqual(['notify']);
    expect(settings('nebula.service', 'Restart')).toEqual(['always']);
    expect(settings('nebula.service', 'ExecReload')).toEqual(['/bin/kill -HUP $MAINPID']);
  });
});
