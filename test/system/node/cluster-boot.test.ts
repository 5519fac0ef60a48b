import { describe, expect, it } from 'vitest';
import type { Role } from '#contract';
import { AGENT_TOKEN, agentMembers, SERVER_TOKEN, serverMembers } from '../../ssm/cluster-builders.ts';
import { PRIVATE_IP, secretValue } from '../../ssm/fake-instance.ts';
import { ADDRESS, anIdentity } from '../../ssm/identity-builders.ts';
import { type NodeSandbox, sandboxObstacle } from '../../ssm/node-sandbox.ts';
import { aNode, bootReason } from './support.ts';

const UNIT = { lighthouse: 'k3s', 'gpu-worker': 'k3s-agent' } as const;
const MEMBERS = { lighthouse: serverMembers, 'gpu-worker': agentMembers } as const;

/** A node whose secret asks for k3s, which is a program that writes down how it was started and stays. */
const aClusterNode = async (role: Role, members = MEMBERS[role]()) => {
  const { secret } = anIdentity();
  const world = await aNode({ role, secret: [secretValue({ ...secret, ...members })] });
  for (const program of ['k3s', 'ollama', 'worker-agent']) {
    const told = `printf '%s\\n' "${program} $*" "$(env | grep -E '^(OLLAMA_HOST|CONTROL_PLANE_ADDR)=')" >>/run/${program}.told`;
    await world.node.stub(program, `${told}\nexec /bin/sleep infinity`);
  }
  return world;
};

const marks = async (node: NodeSandbox): Promise<string[]> =>
  (await node.read('/run/carrierarr/timeline'))
    .trimEnd()
    .split('\n')
    .map((line) => line.split(' ')[1] ?? '');

/** The private address stands where the configuration leaves room for it, and nobody is told a token. */
const expectServer = async (node: NodeSandbox, output: string): Promise<void> => {
  const config = await node.read('/etc/rancher/k3s/config.yaml');
  expect(config).toContain(`node-ip: "${PRIVATE_IP}"`);
  expect(config).toContain(`tls-san: ["10.100.2.1","${PRIVATE_IP}"]`);
  expect(config).not.toContain('@');
  expect(await node.read('/etc/rancher/k3s/token')).toBe(`${SERVER_TOKEN}\n`);
  expect(await node.read('/etc/rancher/k3s/agent-token')).toBe(`${AGENT_TOKEN}\n`);
  const seen = output + (await node.shell('cat /var/log/carrierarr/* /run/k3s.told /run/standins/journal/*'));
  for (const token of [SERVER_TOKEN, AGENT_TOKEN]) expect(seen).not.toContain(token);
};

/** Agent and Ollama are told what they need, Ollama the mesh address alone. */
const expectServices = async (node: NodeSandbox): Promise<void> => {
  await node.until('[[ -s /run/ollama.told && -s /run/worker-agent.told ]]');
  expect(await node.read('/run/ollama.told')).toBe(`ollama serve\nOLLAMA_HOST=${ADDRESS}:11434\n`);
  expect(await node.read('/run/worker-agent.told')).toBe(
    `worker-agent --type gpu-worker --nebula-ip ${ADDRESS}\nCONTROL_PLANE_ADDR=10.100.0.1:50051\nOLLAMA_HOST=${ADDRESS}:11434\n`,
  );
  expect(await node.read('/etc/worker-agent/env')).toBe(
    [
      'CONTROL_PLANE_ADDR=10.100.0.1:50051',
      'NODE_TYPE=gpu-worker',
      `NEBULA_IP=${ADDRESS}`,
      `PRIVATE_IP=${PRIVATE_IP}`,
      'PUBLIC_IP=',
      'INSTANCE_ID=i-0123456789abcdef0',
      'AWS_REGION=us-west-2',
      '',
    ].join('\n'),
  );
};

describe.skipIf(sandboxObstacle !== undefined).concurrent('boot with a cluster', () => {
  it.each(['lighthouse', 'gpu-worker'] as const)('of a %s configures k3s and requests its start', async (role) => {
    const { node, boot } = await aClusterNode(role);

    const { code, stdout, stderr } = await boot();

    expect(code).toBe(0);
    await node.until(`[[ -s /run/k3s.told && $(systemctl is-active ${UNIT[role]}) == active ]]`);
    expect(await node.read('/run/k3s.told')).toContain(role === 'lighthouse' ? 'k3s server' : 'k3s agent');
    expect(await node.shell('stat -c "%a %n" /etc/rancher /etc/rancher/k3s /etc/rancher/k3s/*')).toBe(
      [
        '755 /etc/rancher',
        '700 /etc/rancher/k3s',
        ...(role === 'lighthouse' ? ['600 /etc/rancher/k3s/agent-token'] : []),
        '600 /etc/rancher/k3s/config.yaml',
        '600 /etc/rancher/k3s/token',
        '',
      ].join('\n'),
    );
    expect(await marks(node)).toEqual([
      'userspace-start',
      'boot-start',
      'metadata-open',
      'settings-known',
      'secret-fetched',
      'identity-installed',
      'k3s-configured',
      'k3s-start-requested',
      'nebula-started',
      'mesh-address-up',
      'boot-done',
    ]);
    if (role === 'lighthouse') await expectServer(node, stdout + stderr);
    else await expectServices(node);
  });

  it('does not wait for k3s', async () => {
    const { node, boot } = await aClusterNode('lighthouse');
    await node.stub('k3s', 'exit 1');

    await expect(boot()).resolves.toMatchObject({ code: 0 });
  });

  it('starts k3s although Nebula does not start', async () => {
    const { node, boot } = await aClusterNode('lighthouse');
    await node.stub('nebula', '[[ $1 == -test ]]');

    const { code } = await boot();

    expect(code).toBe(1);
    await node.until('[[ $(systemctl is-active k3s) == active ]]');
  });

  it('run again leaves k3s and its files alone, and starts it anew where its configuration has changed', async () => {
    const { node, instance, boot } = await aClusterNode('gpu-worker');
    await boot();
    await node.until('[[ -s /run/k3s.told && $(systemctl is-active k3s-agent) == active ]]');
    const look = 'cat /run/standins/units/k3s-agent.service/main.pid; stat -c "%i %Y" /etc/rancher/k3s/*';
    const before = await node.shell(look);

    const { code } = await boot();

    expect(code).toBe(0);
    expect(await node.shell(look)).toBe(before);

    instance.secret = [secretValue({ ...anIdentity().secret, ...agentMembers({ 'node-label': ['a=b'] }) })];
    await boot();

    await node.until('[[ $(grep -c "k3s agent" /run/k3s.told) == 2 ]]');
    expect(await node.read('/etc/rancher/k3s/config.yaml')).toContain('a=b');
  });

  it('lets k3s wait for the mesh address where that is its node-ip', async () => {
    const { node, boot } = await aClusterNode('lighthouse', serverMembers({ 'node-ip': ADDRESS }));

    await boot();

    await node.until('[[ $(systemctl is-active k3s) == active ]]');
    expect(await node.read('/etc/rancher/k3s/config.yaml')).toContain(`node-ip: "${ADDRESS}"`);
  });

  it('lets k3s fail loudly where no interface gets its node-ip', async () => {
    const { node, boot } = await aClusterNode('lighthouse', serverMembers({ 'node-ip': '10.9.9.9' }));

    await boot();

    await node.until('grep -q "no interface has" /run/standins/journal/k3s.service');
    expect(await node.shell('journalctl -u k3s --no-pager -o cat')).toContain(
      `k3s: no interface has node-ip 10.9.9.9 after 30 s, only: 127.0.0.1 ${PRIVATE_IP}`,
    );
    await expect(node.read('/run/k3s.told')).rejects.toThrow(/No such file/);
  });

  it.each([
    ['lighthouse', 'k3s_agent_token'],
    ['lighthouse', 'k3s_config'],
    ['gpu-worker', 'k3s_url'],
    ['gpu-worker', 'k3s_token'],
  ] as const)('of a %s refuses a secret that lacks only %s', async (role, member) => {
    const world = await aClusterNode(role, { ...MEMBERS[role](), [member]: '' });

    await world.boot();

    expect(await bootReason(world)).toBe(`secret of worker gpu-worker-001 has k3s members but lacks ${member}`);
  });

  it('refuses a token that is none', async () => {
    const world = await aClusterNode('lighthouse', { ...serverMembers(), k3s_token: 'a b' });

    await world.boot();

    expect(await bootReason(world)).toContain('a k3s token is malformed');
  });

  it('says so when the image lacks the unit', async () => {
    const world = await aClusterNode('lighthouse');
    await world.node.shell('rm /etc/systemd/system/k3s.service');

    await world.boot();

    expect(await bootReason(world)).toBe('k3s.service cannot be started: is it in the image of a lighthouse?');
  });

  it('leaves out k3s where the secret does not ask for it', async () => {
    const { node, boot } = await aClusterNode('lighthouse', {});

    await boot();

    expect(await marks(node)).not.toContain('k3s-configured');
    expect(await node.shell('ls -d /etc/rancher 2>&1 || true')).toContain('No such file');
  });
});
