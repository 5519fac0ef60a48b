import { readFileSync, statSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

const UNITS = 'ami/base/files/etc/systemd/system';
const PROGRAM = 'ami/base/files/usr/local/lib/carrierarr/imds-guard';
const read = (file: string): string => readFileSync(file, 'utf8');
const settings = (text: string, key: string): string[] =>
  [...text.matchAll(new RegExp(`^${key}=(.*)$`, 'gm'))].flatMap(([, value = '']) => value.split(' '));

describe('the guard of instance metadata', () => {
  const unit = read(`${UNITS}/carrierarr-imds-guard.service`);

  it('comes before any network and is never taken away again', () => {
    expect(settings(unit, 'DefaultDependencies')).toEqual(['no']);
    expect(settings(unit, 'Before')).toContain('network-pre.target');
    expect(settings(unit, 'Wants')).toContain('network-pre.target');
    expect(settings(unit, 'RemainAfterExit')).toEqual(['yes']);
    expect(unit).not.toMatch(/^ExecStop/m);
  });

  it('runs a program of the image', () => {
    const [program = ''] = settings(unit, 'ExecStart');

    expect(`ami/base/files${program}`).toBe(`${PROGRAM}.sh`);
    expect(statSync(`${PROGRAM}.sh`).mode & 0o777).toBe(0o755);
  });

  it.each(['k3s', 'k3s-agent'])('%s starts only where it did its work, and is not restarted with it', (name) => {
    const dropIn = read(`${UNITS}/${name}.service.d/10-imds-guard.conf`);
    const mark = /^readonly MARK=(.*)$/m.exec(read(`${PROGRAM}.sh`))?.[1];

    expect(settings(unit, 'Before')).toContain(`${name}.service`);
    expect(settings(dropIn, 'AssertPathExists')).toEqual([mark]);
    expect(settings(dropIn, 'After')).toEqual(['carrierarr-imds-guard.service']);
    expect(settings(dropIn, 'Wants')).toEqual(['carrierarr-imds-guard.service']);
    expect(dropIn).not.toMatch(/^(Requires|BindsTo)=/m);
  });

  it('replaces its own table and touches no other', () => {
    const rules = read(`${PROGRAM}.nft`);

    expect(rules).not.toMatch(/flush/);
    expect([...rules.matchAll(/table inet (\w+)/g)].map(([, name]) => name)).toEqual(Array(3).fill('carrierarr_imds'));
  });

  it('names the addresses that containers and pods are kept from', () => {
    const rules = read(`${PROGRAM}.nft`);
    const slice = read(`${UNITS}/kubepods.slice.d/10-imds-guard.conf`);
    const policy = read('ami/lighthouse/files/var/lib/rancher/k3s/server/manifests/deny-instance-metadata.yaml');

    expect(settings(slice, 'IPAddressDeny')).toEqual(['169.254.169.254/32', 'fd00:ec2::254/128']);
    for (const address of settings(slice, 'IPAddressDeny')) {
      expect(rules).toContain(`daddr ${address.split('/')[0]} meta skuid != 0`);
      expect(policy).toContain(`- ${address}\n`);
    }
  });

  it("takes nothing else from pods: Cilium's rule of denial does not make denial the default", () => {
    const policy = read('ami/lighthouse/files/var/lib/rancher/k3s/server/manifests/deny-instance-metadata.yaml');

    expect(policy).toMatch(/enableDefaultDeny:\n\s+ingress: false\n\s+egress: false\n/);
  });
});
