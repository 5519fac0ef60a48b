import { beforeAll, describe, expect, it } from 'vitest';
import { network } from '../../lambda/identity/support/authority.ts';
import { awsError, CREDENTIALS, type FakeInstance, secretValue } from '../../ssm/fake-instance.ts';
import { ADDRESS, anAgentToken, anIdentity, WORKER } from '../../ssm/identity-builders.ts';
import { type NodeSandbox, sandboxObstacle } from '../../ssm/node-sandbox.ts';
import { aBootedNode, aNode, bootReason, type World } from './support.ts';

const { secret: SECRET } = anIdentity();
const GOOD = secretValue(SECRET);
const NOW = Math.floor(Date.now() / 1000);

describe.skipIf(sandboxObstacle !== undefined)('a boot, and those after it', () => {
  let boot: World['boot'];
  let node: NodeSandbox;
  let instance: FakeInstance;
  beforeAll(async () => {
    ({ node, instance, boot } = await aBootedNode());
  });

  it('joins the mesh with the identity of its secret', async () => {
    expect(instance.asked).toEqual(['catalyst-llm/nebula-gpu-worker-001']);
    expect(await node.shell('ip -4 -o addr show dev nebula0')).toContain(`inet ${ADDRESS}/16`);
    expect(await node.shell('systemctl is-active nebula.service')).toBe('active\n');
    expect(await node.shell('cd /etc/nebula && stat -c "%a %n" *')).toBe(
      '600 ca.crt\n600 config.yml\n600 host.crt\n600 host.key\n',
    );
    await expect(node.read('/run/carrierarr/boot.failed')).rejects.toThrow(/No such file/);
  });

  it('marks its way with the time of each mark', async () => {
    const lines = (await node.read('/run/carrierarr/timeline')).trimEnd().split('\n');

    expect(lines.map((line) => line.split(' ')[1])).toEqual([
      'userspace-start',
      'boot-start',
      'metadata-open',
      'settings-known',
      'secret-fetched',
      'identity-installed',
      'nebula-started',
      'mesh-address-up',
      'boot-done',
    ]);
    expect(lines.every((line) => /^\d{10}\.\d{3} [a-z-]+$/.test(line))).toBe(true);
    const times = lines.map((line) => line.split(' ')[0]);
    expect([...times].sort()).toEqual(times);
  });

  it('may be run again, which leaves the running Nebula and its files alone', async () => {
    const look = 'systemctl show --property=MainPID --value nebula; stat -c "%i %Y" /etc/nebula/*';
    const before = await node.shell(look);

    const { code } = await boot();

    expect(code).toBe(0);
    expect(await node.shell(look)).toBe(before);
    expect(await node.shell('systemctl is-active nebula; ls /run/carrierarr')).toBe('active\nboot.done\ntimeline\n');
  });

  it('starts Nebula anew where its identity has changed', async () => {
    const before = await node.shell('systemctl show --property=MainPID --value nebula');
    instance.secret = [secretValue(anIdentity().secret)];

    await boot();

    expect(await node.shell('systemctl show --property=MainPID --value nebula')).not.toBe(before);
  });

  it('fetches its identity again after a restart of the machine, which forgets it', async () => {
    const asked = instance.asked.length;
    await node.shell('systemctl stop nebula; umount /etc/nebula; mount -t tmpfs -o mode=0700 tmpfs /etc/nebula');

    const { code } = await boot();

    expect(code).toBe(0);
    expect(instance.asked).toHaveLength(asked + 1);
    expect(await node.shell('systemctl is-active nebula; ls /etc/nebula')).toContain('active\nca.crt\n');
  });
});

describe.skipIf(sandboxObstacle !== undefined).concurrent('boot', () => {
  it("shows no secret to anybody, and leaves the agent's token to root as long as its secret has one", async () => {
    const token = anAgentToken();
    const tokenful = secretValue({ ...SECRET, agent_token: token });
    const { node, instance, boot } = await aNode({ secret: [awsError('AccessDeniedException'), tokenful] });
    await node.stub('curl', 'printf "%s\\n" "$@" >>/run/arguments\nexec /usr/bin/curl "$@"');

    const { stdout, stderr } = await boot();

    const told = [stdout, stderr, await node.read('/run/arguments'), await node.shell('cat /var/log/carrierarr/*')];
    const keyBody = (SECRET.nebula_node_key ?? '').split('\n')[1] ?? '';
    expect(keyBody).toMatch(/^[A-Za-z0-9+/=]{44}$/);
    for (const hidden of [keyBody, CREDENTIALS.SecretAccessKey, CREDENTIALS.Token, CREDENTIALS.AccessKeyId, token]) {
      expect(told.join()).not.toContain(hidden);
    }
    expect(await node.shell('stat -c %a /var/log/carrierarr /var/log/carrierarr/boot.log')).toBe('700\n600\n');
    expect(await node.read('/run/carrierarr/agent-token')).toBe(`${token}\n`);
    expect(await node.shell('stat -c "%a %U" /run/carrierarr/agent-token')).toBe('600 root\n');

    instance.secret = [secretValue({ ...SECRET, agent_token: 'odd text' })];
    const again = await boot();

    expect(again.code).toBe(0);
    expect(again.stderr).toContain("the secret's agent_token is no token");
    expect(again.stderr).not.toContain('odd text');
    await expect(node.read('/run/carrierarr/agent-token')).rejects.toThrow(/No such file/);
  });

  it('waits while its secret is not yet bound, not yet there, throttled or AWS is ill', async () => {
    const refusals = [
      awsError('AccessDeniedException'),
      awsError('com.amazonaws.secretsmanager#ResourceNotFoundException'),
      awsError('InvalidRequestException'),
      awsError('ThrottlingException'),
      awsError('InternalServiceError', 500),
      { status: 503, body: '<html>busy</html>' },
    ];
    const { instance, boot } = await aNode({ secret: [...refusals, GOOD] });

    const { code } = await boot();

    expect(code).toBe(0);
    expect(instance.asked).toHaveLength(refusals.length + 1);
  });

  it("says when the kernel started where that is not a host's", async () => {
    const { node, boot } = await aNode({ secret: [awsError('DecryptionFailure')] });
    await node.shell('rm /run/systemd/container');

    await boot();

    const [first = ''] = (await node.read('/run/carrierarr/timeline')).split('\n');
    const uptime = Number((await node.read('/proc/uptime')).split(' ')[0]);
    expect(first).toMatch(/ kernel-start$/);
    expect(Math.abs(Number(first.split(' ')[0]) - (Date.now() / 1000 - uptime))).toBeLessThan(1);
  });

  it('gives up after two minutes, at first in haste, and says why', async () => {
    const world = await aNode({ secret: [awsError('AccessDeniedException')] });
    await world.node.hasten();

    const { code } = await world.boot();

    expect(code).toBe(1);
    expect(await bootReason(world)).toBe(
      'secret catalyst-llm/nebula-gpu-worker-001 was not readable within 120 s: 400 AccessDeniedException',
    );
    expect(await world.node.read('/run/slept')).toMatch(/^(0\.2\n){10}(2\n){5}$/);
    expect(await world.node.read('/run/carrierarr/timeline')).toMatch(/ boot-failed\n$/);
  });

  it.each([
    ['text that is no JSON', secretValue('{"nebula_ip": '), 'is not a JSON object'],
    ['an answer that is no JSON', { status: 200, body: '<html>' }, 'is not JSON with a SecretString'],
    ['a binary secret', { status: 200, body: '{"SecretBinary":"AA=="}' }, 'is not JSON with a SecretString'],
    ['a secret without key', secretValue({ ...SECRET, nebula_node_key: '' }), 'lacks nebula_node_key'],
    ['a secret without configuration', secretValue({ ...SECRET, nebula_config: null }), 'lacks nebula_config'],
    ['an address with a mask', secretValue({ ...SECRET, nebula_ip: '10.100.2.1/16' }), 'nebula_ip is no address'],
    ['a key that is none', secretValue({ ...SECRET, nebula_node_key: 'x' }), 'is no private key'],
    ['a certificate that is none', secretValue({ ...SECRET, nebula_node_crt: 'x' }), 'no version 1 certificate'],
    ['an unknown refusal', awsError('DecryptionFailure'), '400 DecryptionFailure'],
  ])('fails at once on %s', async (_, reply, reason) => {
    const world = await aNode({ secret: [reply] });

    const { code } = await world.boot();

    expect(code).toBe(1);
    expect(await bootReason(world)).toContain(reason);
    expect(world.instance.asked).toHaveLength(1);
  });

  it.each([
    ['of another worker', anIdentity({ name: 'gpu-worker-002' }), 'certificate is for worker gpu-worker-002'],
    ['for another address', anIdentity({ networks: [network('10.100.2.9/16')] }), 'is for address 10.100.2.9, not'],
    ['that has run out', anIdentity({ notAfter: NOW - 60 }), 'ran out'],
    ['of the future', anIdentity({ notBefore: NOW + 600 }), "is this machine's clock right"],
  ])('refuses a certificate %s', async (_, identity, reason) => {
    const world = await aNode({ secret: [secretValue(identity.secret)] });

    await world.boot();

    expect(await bootReason(world)).toContain(reason);
    await expect(world.node.shell('systemctl is-active nebula')).rejects.toThrow(/exit code 3/);
  });

  it('waits for instance metadata that comes late', async () => {
    const { instance, boot } = await aNode({ secret: [GOOD] });
    instance.deafCalls = 8;

    await expect(boot()).resolves.toMatchObject({ code: 0 });
  });

  it('waits for credentials of the instance profile', async () => {
    const { instance, boot } = await aNode({ secret: [GOOD], hurry: false });
    const role = 'meta-data/iam/security-credentials/';
    instance.metadata.delete(role);
    setTimeout(() => instance.metadata.set(role, 'carrierarr-worker'), 500);

    await expect(boot()).resolves.toMatchObject({ code: 0 });
  });

  it.each([
    ['without its tag', 'meta-data/tags/instance/carrierarr:worker', undefined, 'shows no tag carrierarr:worker'],
    ['with a tag that is no name', 'meta-data/tags/instance/carrierarr:worker', '../../x', 'holds no worker name'],
    ['without user data', 'user-data', undefined, 'has no user data'],
    [
      'with incomplete user data',
      'user-data',
      'CARRIERARR_FLEET=f\n',
      'user data lacks CARRIERARR_ROLE CARRIERARR_REGION',
    ],
  ])('fails on an instance %s', async (_, path, value, reason) => {
    const world = await aNode();
    world.instance.metadata.delete(path);
    if (value !== undefined) world.instance.metadata.set(path, value);

    await world.boot();

    expect(await bootReason(world)).toContain(reason);
  });

  it('reads its user data and never runs it', async () => {
    const { node, instance, boot } = await aNode({ secret: [GOOD] });
    const hostile = [
      'touch /run/ran',
      'CARRIERARR_FLEET=$(touch /run/ran)',
      'CARRIERARR_ROLE=x; touch /run/ran',
      'CARRIERARR_IMDS=http://127.0.0.1:1',
      'PATH=/run/nowhere',
    ];
    instance.metadata.set('user-data', `${hostile.join('\n')}\n${instance.metadata.get('user-data')}`);

    const { code, stderr } = await boot();

    expect(code).toBe(0);
    expect(stderr).toContain('unknown setting CARRIERARR_IMDS ignored');
    await expect(node.read('/run/ran')).rejects.toThrow(/No such file/);
  });

  it('can succeed after it has failed', async () => {
    const world = await aNode({ secret: [awsError('DecryptionFailure')] });
    await world.boot();
    world.instance.secret = [GOOD];

    const { code } = await world.boot();

    expect(code).toBe(0);
    expect(await world.node.shell('ls /run/carrierarr')).toBe('boot.done\ntimeline\n');
  });

  it.each([
    ['nebula', 'bad firewall rule', 'nebula refuses its files: bad firewall rule'],
    ['systemctl', 'no bus', 'nebula does not start'],
    ['ip', 'no such device', `nebula0 did not get address ${ADDRESS}`],
  ])('says so when %s fails', async (program, says, reason) => {
    const world = await aNode({ secret: [GOOD] });
    await world.node.write(`/run/standins/${program}.fail`, `${says}\n`);

    await world.boot();

    expect(await bootReason(world)).toContain(reason);
  });

  it('puts no private key on a disk', async () => {
    const world = await aNode({ secret: [GOOD] });
    await world.node.shell('umount /etc/nebula');

    await world.boot();

    expect(await bootReason(world)).toContain('/etc/nebula is not on a tmpfs');
    expect(await world.node.shell('ls -A /etc/nebula')).toBe('');
  });

  it('gives a reason even for what nobody foresaw', async () => {
    const world = await aNode({ secret: [GOOD] });
    await world.node.stub('mktemp', 'exit 5');

    await world.boot();

    expect(await bootReason(world)).toMatch(/^boot\.sh ended with [15] after: \d+\.\d+ secret-fetched$/);
  });

  it(`takes the name of the worker from the tag (${WORKER})`, async () => {
    const { instance, boot } = await aNode({ secret: [awsError('DecryptionFailure')] });
    instance.metadata.set('meta-data/tags/instance/carrierarr:worker', 'lighthouse-7');

    await boot();

    expect(instance.asked).toEqual(['catalyst-llm/nebula-lighthouse-7']);
  });
});
