import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';

const FILE = 'ami/base/files/etc/systemd/system/worker-agent.service';
const unit = readFileSync(FILE, 'utf8');
const values = (key: string): string[] =>
  [...unit.matchAll(new RegExp(`^${key}=(.*)$`, 'gm'))].map(([, value = '']) => value);
const words = (key: string): string[] => values(key).flatMap((value) => value.split(' '));

const hasSystemd = (() => {
  try {
    return /^systemd (\d+)/.test(execFileSync('systemd-analyze', ['--version'], { encoding: 'utf8' }));
  } catch {
    return false;
  }
})();

describe("the worker agent's unit", () => {
  it('counts as started by its own word, and is started anew where it falls silent or ends', () => {
    expect(values('Type')).toEqual(['notify']);
    // Node.js has no datagram sockets of that family: the word is a child's.
    expect(values('NotifyAccess')).toEqual(['all']);
    expect(Number(values('WatchdogSec')[0])).toBeGreaterThanOrEqual(60);
    expect(values('Restart')).toEqual(['always']);
    expect(values('StartLimitIntervalSec')).toEqual(['0']);
  });

  it('remembers how long the node has been idle over a restart', () => {
    expect(values('RuntimeDirectory')).toEqual(['worker-agent']);
    expect(values('RuntimeDirectoryPreserve')).toEqual(['yes']);
  });

  it('reaches the mesh, this machine, the VPC and instance metadata, and nothing of the internet', () => {
    expect(values('IPAddressDeny')).toEqual(['any']);
    expect(words('IPAddressAllow')).toEqual([
      'localhost',
      '10.0.0.0/8',
      '172.16.0.0/12',
      '192.168.0.0/16',
      '100.64.0.0/10',
      '169.254.169.254/32',
      'fd00:ec2::254/128',
    ]);
  });

  it('keeps none of the powers of root', () => {
    expect(values('CapabilityBoundingSet')).toEqual(['']);
    expect(values('NoNewPrivileges')).toEqual(['yes']);
    expect(values('ProtectSystem')).toEqual(['strict']);
  });

  it('leaves no core behind, which would hold its token', () => {
    expect(values('LimitCORE')).toEqual(['0']);
  });

  it('lets nvidia-smi at the GPUs by number, which holds before the driver is loaded too', () => {
    expect(values('DevicePolicy')).toEqual(['closed']);
    expect(values('DeviceAllow')).toContain('/dev/char/195:255 rw');
    expect(values('DeviceAllow')).toContain('/dev/char/195:0 rw');
  });

  it('does not end because a child of it has taken too much memory', () => {
    expect(values('OOMPolicy')).toEqual(['continue']);
    expect(values('MemoryMax')).toEqual(['512M']);
  });
});

describe.skipIf(!hasSystemd)("the worker agent's unit, in the eyes of systemd", () => {
  const root = mkdtempSync(join(tmpdir(), 'agent-unit-'));
  afterAll(() => rmSync(root, { recursive: true, force: true }));
  const placed = (() => {
    for (const folder of ['etc/systemd/system', 'usr/local/bin']) mkdirSync(join(root, folder), { recursive: true });
    writeFileSync(join(root, 'usr/local/bin/worker-agent'), '#!/bin/sh\n', { mode: 0o755 });
    const file = join(root, 'worker-agent.service');
    writeFileSync(file, unit.replace('ExecStart=worker-agent', `ExecStart=${root}/usr/local/bin/worker-agent`));
    return file;
  })();

  it('has no setting that systemd does not know', () => {
    const { stderr } = spawnSync('systemd-analyze', ['verify', '--man=no', placed], { encoding: 'utf8' });

    const said = stderr.split('\n').filter((line) => line.includes('worker-agent'));
    expect(said).toEqual([]);
  });

  it('is rated better than 2.5, where a unit without hardening has 9.6', () => {
    // The threshold is in tenths; a worse rating is a failure.
    const rate = () =>
      execFileSync('systemd-analyze', ['security', '--offline=true', '--threshold=25', placed], { stdio: 'pipe' });

    expect(rate).not.toThrow();
  });
});
