import { describe, expect, it } from 'vitest';
import { secretValue } from '../../ssm/fake-instance.ts';
import { ADDRESS, anIdentity } from '../../ssm/identity-builders.ts';
import { type NodeSandbox, sandboxObstacle } from '../../ssm/node-sandbox.ts';
import { aBootedNode, aNode } from './support.ts';

const PROGRAMS = ['nebula', 'ip', 'ping', 'systemctl', 'journalctl'] as const;
const UNIT = '/etc/systemd/system/probe.service';

/** A node with a service `probe` that runs this line of shell. */
const aService = async (line: string, more = ''): Promise<NodeSandbox> => {
  const { node } = await aNode({ hurry: false });
  await node.write('/usr/local/bin/probe', `#!/bin/bash\n${line}\n`, '0755');
  await node.write(UNIT, `[Unit]\nDescription=Probe\n[Service]\nExecStart=/usr/local/bin/probe\n${more}\n`);
  return node;
};

describe.skipIf(sandboxObstacle !== undefined).concurrent('every stand-in', () => {
  it.each(PROGRAMS)('%s fails, exits or hangs when it is told to', async (program) => {
    const { node } = await aNode();
    const path = `/run/standins/${program}`;

    await node.write(`${path}.fail`, 'told so\n');
    const failed = await node.run([program]);
    await node.shell(`mv ${path}.fail ${path}.exit; echo 42 >${path}.exit`);
    const exited = await node.run([program]);
    await node.shell(`mv ${path}.exit ${path}.hang`);
    const hung = await node.run(['timeout', '0.3', program]);

    expect(failed).toEqual({ code: 1, stdout: '', stderr: 'told so\n' });
    expect(exited).toEqual({ code: 42, stdout: '', stderr: '' });
    expect(hung.code).toBe(124);
  });

  it.each([
    ['nebula', '-verbose', 2, 'flag provided but not defined: -verbose'],
    ['ip', '-q addr show nebula0', 255, 'Option "-q" is unknown'],
    ['ping', '-Z 10.100.0.1', 2, "invalid option -- 'Z'"],
    ['systemctl', '--bogus start x', 1, "unrecognized option '--bogus'"],
    ['systemctl', 'launch x', 1, 'Unknown command verb launch.'],
    ['systemctl', 'start', 1, 'Too few arguments.'],
    ['systemctl', 'start nothing', 5, 'Unit nothing.service not found.'],
    ['journalctl', '--bogus', 1, "unrecognized option '--bogus'"],
  ])('%s refuses %s as the real one does', async (program, words, code, says) => {
    const { node } = await aNode();

    const outcome = await node.run([program, ...words.split(' ')]);

    expect(outcome.code).toBe(code);
    expect(outcome.stderr).toContain(says);
  });
});

describe.skipIf(sandboxObstacle !== undefined).concurrent('the stand-in for systemctl', () => {
  it('runs a service, shows its output and stops it', async () => {
    const node = await aService('echo "up as $$"; trap "echo down; exit 0" TERM; while :; do sleep 0.1; done');

    await node.shell('systemctl start probe');
    const running = await node.shell('systemctl is-active probe; systemctl status probe');
    await node.shell('systemctl stop probe');

    expect(running).toMatch(/^active\n\* probe\.service - Probe\n/);
    expect(await node.shell('journalctl -u probe -o cat')).toMatch(/^up as \d+\ndown\n$/);
    expect(await node.run(['systemctl', 'is-active', 'probe'])).toMatchObject({ code: 3, stdout: 'inactive\n' });
    expect(await node.shell('ps -eo args')).not.toContain('/usr/local/bin/probe');
  });

  it('starts a service again that dies, if its unit says so', async () => {
    const node = await aService('echo up; sleep 100', 'Restart=always\nRestartSec=0.1');
    await node.shell('systemctl start probe');
    const first = await node.read('/run/standins/units/probe.service/main.pid');

    await node.shell(`kill -KILL ${first.trim()}`);
    await node.shell(
      `until now=$(cat /run/standins/units/probe.service/main.pid 2>/dev/null) && [[ $now =~ ^[0-9]+$ && $now != ${first.trim()} ]]; do sleep 0.1; done`,
    );

    expect(await node.shell('systemctl is-active probe')).toBe('active\n');
    expect(await node.shell('journalctl -u probe -o cat')).toMatch(/^up\n.*status=137; restart scheduled\nup\n$/);
  });

  it('says that a service failed which ends at once', async () => {
    const node = await aService('echo no; exit 3');

    const { code, stderr } = await node.run(['systemctl', 'start', 'probe']);

    expect(code).toBe(1);
    expect(stderr).toContain('Job for probe.service failed');
    expect(await node.run(['systemctl', 'is-active', 'probe'])).toMatchObject({ code: 3, stdout: 'failed\n' });
  });

  it('waits for a oneshot and keeps its verdict', async () => {
    const good = await aService('sleep 0.2; touch /run/ran', 'Type=oneshot\nRemainAfterExit=yes');
    const bad = await aService('exit 1', 'Type=oneshot');

    await good.shell('systemctl start probe; test -e /run/ran; systemctl is-active probe');
    const failed = await bad.run(['systemctl', 'start', 'probe']);

    expect(failed.code).toBe(1);
  });

  it('signals the main process on reload', async () => {
    const node = await aService(
      'trap "echo again" HUP; echo up; while :; do sleep 0.1; done',
      'ExecReload=/bin/kill -HUP $MAINPID',
    );
    await node.shell('systemctl start probe');

    await node.shell('systemctl reload probe');
    await node.until('journalctl -u probe -o cat | grep again >/dev/null');

    expect(await node.shell('journalctl -u probe -o cat')).toBe('up\nagain\n');
  });

  it('does nothing where the condition of a unit is not met', async () => {
    const node = await aService('touch /run/ran');
    await node.write(UNIT, '[Unit]\nConditionPathExists=/nowhere\n[Service]\nExecStart=/usr/local/bin/probe\n');

    await node.shell('systemctl start probe');

    await expect(node.read('/run/ran')).rejects.toThrow(/No such file/);
  });

  it("leaves nothing of a step's in its services: neither lock nor output", async () => {
    const node = await aService('readlink /proc/$$/fd/{0..20} >/run/open; sleep 100');

    await node.shell('exec 3>&1 9>/run/step.lock; systemctl start probe');

    expect(await node.read('/run/open')).not.toMatch(/lock|pipe|socket/);
    expect(await node.run(['flock', '-n', '/run/step.lock', 'true'])).toMatchObject({ code: 0 });
  });
});

describe.skipIf(sandboxObstacle !== undefined).concurrent('the stand-ins for the mesh', () => {
  it('print what the real ones print', async () => {
    const { node } = await aBootedNode();

    expect(await node.shell('ip addr show nebula0')).toMatch(
      /^\d+: nebula0: <POINTOPOINT,MULTICAST,NOARP,UP,LOWER_UP> mtu 1300 .*\n {4}link\/none \n {4}inet 10\.100\.2\.1\/16 scope global nebula0\n/,
    );
    expect(await node.shell('ping -c1 -W1 -I nebula0 10.100.0.1')).toMatch(
      /^PING 10\.100\.0\.1 \(10\.100\.0\.1\) from 10\.100\.2\.1 nebula0: 56\(84\) bytes of data\.\n64 bytes from .*1 received, 0% packet loss/s,
    );
  });

  it('leave every other device to the real program', async () => {
    const { node } = await aNode();

    expect(await node.shell('ip -o link show lo')).toContain('LOOPBACK');
  });

  it('know no other peer than the lighthouse and the node itself', async () => {
    const { node } = await aBootedNode();

    const stranger = await node.run(['ping', '-c', '1', '-W', '0', '10.100.9.9']);
    const itself = await node.run(['ping', '-c', '1', ADDRESS]);

    expect([stranger.code, itself.code]).toEqual([1, 0]);
  });

  it('have no device once Nebula has stopped', async () => {
    const { node } = await aBootedNode();

    await node.shell('systemctl stop nebula');

    expect(await node.run(['ip', 'addr', 'show', 'dev', 'nebula0'])).toMatchObject({
      code: 1,
      stderr: 'Device "nebula0" does not exist.\n',
    });
    expect((await node.run(['ping', '-c', '1', '-I', 'nebula0', '10.100.0.1'])).code).toBe(2);
  });

  it('refuse files that Nebula would refuse', async () => {
    const { node } = await aNode();
    const expired = anIdentity({ notAfter: Math.floor(Date.now() / 1000) - 1 });
    const test = () => node.run(['nebula', '-test', '-config', '/etc/nebula/config.yml']);

    const none = await test();
    await node.write('/etc/nebula/config.yml', expired.secret.nebula_config ?? '');
    const noCa = await test();
    await node.write('/etc/nebula/ca.crt', expired.secret.nebula_ca_crt ?? '');
    const noKey = await test();
    await node.write('/etc/nebula/host.key', expired.secret.nebula_node_key ?? '');
    const noCertificate = await test();
    await node.write('/etc/nebula/host.crt', expired.secret.nebula_node_crt ?? '');
    const old = await test();

    expect([none, noCa, noKey, noCertificate, old].map(({ code }) => code)).toEqual([1, 1, 1, 1, 1]);
    expect(none.stdout).toContain('no config files found');
    expect(noCa.stdout).toContain('pki.ca');
    expect(noKey.stdout).toContain('pki.key');
    expect(noCertificate.stdout).toContain('pki.cert');
    expect(JSON.parse(old.stdout)).toMatchObject({
      level: 'error',
      error: 'nebula certificate for this host is expired',
    });
  });

  it('log as Nebula does, so that a renewal can be seen', async () => {
    const { node, instance } = await aBootedNode();
    const renewed = anIdentity();
    instance.secret = [secretValue(renewed.secret)];
    await node.write('/etc/nebula/host.crt', renewed.secret.nebula_node_crt ?? '');

    await node.shell(
      'systemctl reload nebula; until journalctl -u nebula -o cat | grep refreshed; do command -p sleep 0.05; done',
    );

    const lines = (await node.shell('journalctl -u nebula -o cat')).trimEnd().split('\n');
    expect(JSON.parse(lines.at(-1) ?? '')).toMatchObject({
      msg: 'Client cert refreshed from disk',
      cert: { fingerprint: renewed.fingerprint },
    });
  });
});
