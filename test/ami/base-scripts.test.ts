import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { buildWorkerAgent, publishNebula } from './support/artifacts.ts';
import { BakeSandbox, KERNEL } from './support/bake-sandbox.ts';

let sandbox: BakeSandbox;
beforeEach(() => {
  sandbox = new BakeSandbox();
  publishNebula(sandbox);
});
afterEach(() => sandbox.remove());

const run = (name: string, env: Record<string, string> = {}) => sandbox.script(`base/scripts/${name}.sh`, 'base', env);
const dnf = (): string[] =>
  sandbox.calls().flatMap((call) => /^dnf (?:--\S+ )*(.*)$/.exec(call)?.[1]?.replace(/--\S+ /g, '') ?? []);

describe('10-system', () => {
  it('installs what is missing, locks the kernel, updates nothing', () => {
    for (const name of ['bash', 'jq', 'tar']) sandbox.package(name, '1');

    expect(run('10-system').stderr).toBe('');

    expect(dnf()[0]).toMatch(/^install \/usr\/bin\/curl coreutils .* dnf-command\(versionlock\)$/);
    expect(dnf()[0]).not.toMatch(/ (bash|jq|tar) /);
    expect(dnf().slice(-2)).toEqual(['versionlock list', 'versionlock add kernel*']);
    expect(dnf().join()).not.toMatch(/update|upgrade|releasever/);
    expect(sandbox.manifest().versions).toMatchObject({
      kernel: { version: KERNEL },
      'ssm-agent': { version: '3.3.3050.0' },
    });
  });

  it('takes modules from the other package only where the kernel has them not', () => {
    for (const name of ['overlay', 'br_netfilter', 'tun', 'wireguard', 'vxlan']) sandbox.module(name);
    run('10-system');
    expect(dnf()).toContain(`install kernel-modules-extra-${KERNEL}`);

    sandbox.forgetCalls();
    sandbox.module('geneve');
    run('10-system');
    expect(dnf().filter((call) => call.startsWith('install'))).toEqual([]);
  });

  it('changes nothing the second time', () => {
    run('10-system');
    const before = sandbox.snapshot();
    sandbox.forgetCalls();

    expect(run('10-system').status).toBe(0);

    expect(sandbox.snapshot()).toEqual(before);
    expect(dnf()).toEqual(['versionlock list']);
  });

  it('gives an older image the agent that the steps need, by its checksum', () => {
    const version = sandbox.version('SSM_AGENT_VERSION');
    const url = `https://s3.us-east-1.amazonaws.com/amazon-ssm-us-east-1/${version}/linux_amd64/amazon-ssm-agent.rpm`;
    sandbox.package('amazon-ssm-agent', '3.3.2299.0');
    sandbox.pin('SSM_AGENT_RPM', version, sandbox.publish(url, 'package'));

    expect(run('10-system').status).toBe(0);

    expect(sandbox.downloads()).toEqual([url]);
    expect(sandbox.manifest().versions['ssm-agent']?.version).toBe(version);
  });

  it('stops where that agent was never verified, and where there is none', () => {
    sandbox.package('amazon-ssm-agent', '3.3.2299.0');
    expect(run('10-system')).toMatchObject({ status: 1, stderr: expect.stringContaining('ami:pin -- SSM_AGENT_RPM') });

    sandbox.package('amazon-ssm-agent');
    expect(run('10-system')).toMatchObject({ status: 1, stderr: expect.stringContaining('not the minimal one') });
  });

  it('begins nothing where checksums are missing, and tells all that are', () => {
    for (const product of ['HELM', 'CILIUM_CLI']) sandbox.unpin(product);

    const { status, stderr } = sandbox.script('base/scripts/10-system.sh', 'lighthouse');

    expect(status).toBe(1);
    expect(stderr).toMatch(/npm run ami:pin -- .*HELM v\S+ CILIUM_CLI v\S+ .*K3S_IMAGES v/);
    expect(sandbox.calls()).toEqual([]);
  });

  it('stops where packages cannot be had', () => {
    sandbox.fails('dnf');

    expect(run('10-system').status).not.toBe(0);
    expect(sandbox.exists('etc/carrierarr/image.json')).toBe(false);
  });
});

describe('20-files and 30-network', () => {
  it('lay down the files, enable the units of the list, and only then take the network package away', () => {
    expect(run('20-files').status).toBe(0);
    expect(run('30-network').status).toBe(0);

    expect(sandbox.exists('usr/local/lib/carrierarr/boot.sh')).toBe(true);
    expect(sandbox.mode('etc/nebula')).toBe('700');
    expect(sandbox.enabled()).toEqual(expect.arrayContaining(['carrierarr-boot.service', 'systemd-networkd.service']));
    expect(sandbox.enabled()).not.toContain('nebula.service');
    expect(sandbox.hasPackage('amazon-ec2-net-utils')).toBe(false);
    expect(sandbox.calls()).toContainEqual(expect.stringMatching(/^dnf .*--noautoremove remove amazon-ec2-net-utils$/));
    expect(sandbox.read('etc/systemd/network/80-ec2.network')).toMatch(/^DHCP=/m);
  });

  it('leave the package where nothing else would give the machine its address', () => {
    expect(run('30-network')).toMatchObject({ status: 1, stderr: expect.stringContaining('would get no address') });
    expect(sandbox.hasPackage('amazon-ec2-net-utils')).toBe(true);
  });
});

describe('40-nebula', () => {
  it('installs the program of the version that was asked for', () => {
    const url = publishNebula(sandbox, '1.9.7');

    expect(run('40-nebula', { NEBULA_VERSION: '1.9.7' }).stderr).toBe('');

    expect(sandbox.downloads()).toEqual([url]);
    expect(sandbox.mode('usr/local/bin/nebula')).toBe('755');
    expect(sandbox.exists('usr/local/bin/nebula-cert')).toBe(false);
    expect(sandbox.manifest().versions.nebula?.version).toBe('1.9.7');
  });

  it('installs nothing of an archive that is another one', () => {
    publishNebula(sandbox);
    sandbox.pin('NEBULA', sandbox.version('NEBULA_VERSION'), 'b'.repeat(64));

    expect(run('40-nebula')).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('not the file that was verified'),
    });
    expect(sandbox.exists('usr/local/bin/nebula')).toBe(false);
  });

  it('changes nothing the second time', () => {
    publishNebula(sandbox);
    run('40-nebula');
    const before = sandbox.snapshot();
    sandbox.forgetCalls();

    expect(run('40-nebula').status).toBe(0);

    expect(sandbox.snapshot()).toEqual(before);
    expect(sandbox.downloads()).toEqual([]);
  });
});

describe('50-worker-agent', () => {
  it('installs the program that was built and records which it was', () => {
    buildWorkerAgent(sandbox);

    expect(run('50-worker-agent').stderr).toBe('');

    expect(sandbox.mode('usr/local/bin/worker-agent')).toBe('755');
    expect(sandbox.manifest().versions['worker-agent']?.sha256).toMatch(/^[0-9a-f]{64}$/);
  });

  it('stops where it was not built, unless the image is to be without', () => {
    expect(run('50-worker-agent')).toMatchObject({ status: 1, stderr: expect.stringContaining('WORKER_AGENT=none') });

    expect(run('50-worker-agent', { WORKER_AGENT: 'none' }).status).toBe(0);
    expect(sandbox.manifest().versions['worker-agent']).toEqual({ version: 'none' });
  });

  it('refuses a program for another machine', () => {
    buildWorkerAgent(sandbox, 'b700');

    expect(run('50-worker-agent')).toMatchObject({ status: 1, stderr: expect.stringContaining('linux/amd64') });
  });
});
