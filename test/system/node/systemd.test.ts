import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { StepName } from '#contract';
import { agentMembers } from '../../ssm/cluster-builders.ts';
import { ADDRESS, anIdentity, WORKER } from '../../ssm/identity-builders.ts';
import { stepCommand } from '../../ssm/run-step.ts';
import { nebulaPrograms } from '../support/nebula-programs.ts';

const [nebula] = nebulaPrograms;
const obstacle = (): string | undefined => {
  if (process.getuid?.() !== 0) return 'not root';
  if (spawnSync('which', ['systemd-nspawn']).status !== 0) return 'systemd-nspawn is not installed (systemd-container)';
  if (!existsSync('/dev/net/tun')) return 'no tunnel devices';
  return nebula === undefined ? 'nebula is not installed' : undefined;
};
const missing = obstacle();
if (missing !== undefined) console.warn(`SKIPPED: the image's units under real systemd: ${missing}`);

const renewed = anIdentity();
const cluster = agentMembers();
const step = (name: StepName, parameters: Record<string, string>) => {
  const { script, environment } = stepCommand(name, parameters);
  const variables = Object.entries(environment).map(([key, value]) => `${key}='${value}'`);
  return `cat >/run/step.sh <<'SCRIPT'\n${script}SCRIPT\nchmod 0700 /run/step.sh\n${variables.join(' ')} sh -c /run/step.sh >/out/${parameters.Out}.json`;
};

/** What happens on the machine once its boot has given a verdict. */
const EXAMINATION = `#!/bin/bash
until [[ $(systemctl is-active carrierarr-boot.service) != activating ]]; do sleep 0.1; done
show() { systemctl show --property=ActiveState,SubState,Result "$1"; }
show carrierarr-boot.service >/out/boot.txt; show nebula.service >/out/nebula.txt; show etc-nebula.mount >/out/mount.txt
cp /run/carrierarr/timeline /out/; stat -f -c %T /etc/nebula >/out/memory.txt; stat -c %a /etc/nebula/host.key >>/out/memory.txt
until [[ $(systemctl is-active k3s-agent.service) != activating ]]; do sleep 0.1; done
show k3s-agent.service >/out/k3s.txt; cat /run/k3s.told >>/out/k3s.txt; stat -c '%a %n' /etc/rancher/k3s/* >>/out/k3s.txt
${step('verify-gpu', { NebulaIp: ADDRESS, Gpu: 'none', Out: 'gpu' })}
${step('verify-agent', { Out: 'agent' })}
journalctl --unit worker-agent --output cat --no-pager >/out/agent.txt
before=$(systemctl show --property=MainPID k3s-agent ollama worker-agent)
systemctl restart carrierarr-boot; [[ $(systemctl show --property=MainPID k3s-agent ollama worker-agent) == "$before" ]] && echo same >/out/reboot.txt
${step('verify-nebula', { NebulaIp: ADDRESS, LighthouseIp: ADDRESS, Out: 'verify' })}
${step('renew-certificate', { Fingerprint: renewed.fingerprint, Out: 'renew' })}
kill -KILL "$(systemctl show --property=MainPID --value nebula.service)"
for ((end = SECONDS + 60; SECONDS < end; )); do sleep 0.2; [[ $(systemctl is-active nebula.service) == active ]] && ip -4 -o address show dev nebula0 | grep inet && break; done >/out/again.txt
${step('node-status', { Out: 'status' })}
`;

describe.skipIf(missing !== undefined)("the image's units under real systemd", () => {
  const directory = mkdtempSync(join(tmpdir(), 'carrierarr-systemd-'));
  const out = (name: string): string => readFileSync(join(directory, 'out', name), 'utf8');
  const json = (name: string) => JSON.parse(out(`${name}.json`)) as Record<string, unknown>;

  beforeAll(() => {
    mkdirSync(join(directory, 'out'));
    writeFileSync(
      join(directory, 'out/secrets.json'),
      JSON.stringify([
        { ...anIdentity().secret, ...cluster },
        { ...renewed.secret, ...cluster },
      ]),
    );
    writeFileSync(join(directory, 'examine.sh'), EXAMINATION);
    const machine = ['bash', resolve('test/system/node/systemd-machine.sh'), directory, join(directory, 'examine.sh')];
    const { status, stderr } = spawnSync('unshare', ['--mount', ...machine], {
      encoding: 'utf8',
      env: {
        ...process.env,
        NODE: process.execPath,
        FAKE_AWS: resolve('test/ssm/fake-aws-main.ts'),
        NEBULA: nebula?.path,
        NOTIFIES: / 1\.[0-7]\./.test(nebula?.label ?? '') ? 'no' : 'yes',
      },
    });
    if (status !== 0) throw new Error(stderr);
  });
  afterAll(() => rmSync(directory, { recursive: true }));

  it('bring the machine into the mesh', () => {
    expect(out('boot.txt')).toContain('ActiveState=active\nSubState=exited');
    expect(out('nebula.txt')).toContain('SubState=running');
    expect(out('timeline')).toMatch(/ boot-done\n$/);
    expect(json('verify')).toMatchObject({ ok: true });
  });

  it('keep the private key in memory', () => {
    expect(out('mount.txt')).toContain('SubState=mounted');
    expect(out('memory.txt')).toBe('tmpfs\n600\n');
  });

  it('start k3s beside it, once its node address is there', () => {
    expect(out('k3s.txt')).toContain('ActiveState=active\nSubState=running');
    expect(out('k3s.txt')).toContain('k3s agent\n600 /etc/rancher/k3s/config.yaml\n600 /etc/rancher/k3s/token\n');
  });

  it('run Ollama for the mesh alone, as nobody, and the agent with what it must know', () => {
    expect(json('gpu')).toMatchObject({ ok: true, ollama: '0.5.7' });
    expect(json('agent')).toMatchObject({ ok: true, agent: 'active' });
    expect(out('agent.txt')).toContain(`worker-agent --type gpu-worker --nebula-ip ${ADDRESS} to 10.100.0.1:50051`);
  });

  it('leave all of that alone when the boot runs again', () => {
    expect(out('reboot.txt')).toBe('same\n');
  });

  it('let a certificate be renewed, as the journal confirms', () => {
    expect(json('renew')).toMatchObject({ ok: true, fingerprint: renewed.fingerprint });
  });

  it('bring Nebula back when it dies', () => {
    expect(out('again.txt')).toContain(`inet ${ADDRESS}/16`);
    expect(json('status')).toMatchObject({
      boot: 'done',
      services: { 'carrierarr-boot': 'active', nebula: 'active' },
      certificate: { name: WORKER, fingerprint: renewed.fingerprint },
    });
  });
});
