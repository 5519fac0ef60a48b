import { describe, expect, it } from 'vitest';
import type { ClusterServer } from '#contract';
import { issueIdentity } from '../../../lambda/identity/issue-identity.ts';
import { renewIdentity } from '../../../lambda/identity/renew-identity.ts';
import { makeReady, reserveWorker, type TestFleet, testFleet } from './support/fleet.ts';
import { settings } from './support/settings.ts';

const CA_HASH = 'c'.repeat(64);
const TOKEN = /^[0-9a-z]{48}$/;
const secretName = (worker: string) => `catalyst-llm/nebula-${worker}`;
const fieldsOf = (fleet: TestFleet, worker: string, version = -1): Record<string, string> =>
  JSON.parse(fleet.secrets.versionsOf(secretName(worker)).at(version) ?? '{}');
const inMesh = () => testFleet({ settings: { cluster: { ...settings().cluster, nodeNetwork: 'mesh' } } });

const aServer = async (fleet: TestFleet) => {
  const reserved = await reserveWorker(fleet, 'lh', { role: 'lighthouse' });
  const { secretArn } = await issueIdentity(fleet, reserved);
  const server: ClusterServer = {
    cluster: 'aws-k3s',
    server: 'lh',
    instanceId: 'i-0123456789abcdef0',
    privateIp: '10.20.0.10',
    meshIp: reserved.worker.address,
    caHash: CA_HASH,
    secretArn,
  };
  return { reserved, server };
};
const aNode = async (fleet: TestFleet, server: ClusterServer) => ({ ...(await reserveWorker(fleet, 'gpu')), server });

describe('the secret of a lighthouse', () => {
  it('holds two tokens of their own and a configuration without them', async () => {
    const fleet = testFleet();

    const { reserved } = await aServer(fleet);

    const { k3s_token, k3s_agent_token, k3s_config, k3s_url } = fieldsOf(fleet, 'lh');
    expect([k3s_token, k3s_agent_token]).toEqual([expect.stringMatching(TOKEN), expect.stringMatching(TOKEN)]);
    expect(k3s_agent_token).not.toBe(k3s_token);
    expect(k3s_config).toContain(`"${reserved.worker.address}"`);
    expect(k3s_config).not.toContain(k3s_token);
    expect(k3s_config).not.toContain(k3s_agent_token);
    expect(k3s_url).toBeUndefined();
  });

  it('keeps its tokens when its answer was lost, though not its key', async () => {
    const fleet = testFleet();
    const { reserved } = await aServer(fleet);

    await issueIdentity(fleet, reserved);

    const [first, second] = [fieldsOf(fleet, 'lh', 0), fieldsOf(fleet, 'lh', 1)];
    expect(second.k3s_token).toBe(first.k3s_token);
    expect(second.k3s_agent_token).toBe(first.k3s_agent_token);
    expect(second.nebula_node_key).not.toBe(first.nebula_node_key);
  });

  it('gets tokens of its own where an earlier try left none', async () => {
    const fleet = testFleet();
    const { reserved } = await aServer(fleet);
    await fleet.secrets.put(secretName('lh'), 'not JSON');

    await issueIdentity(fleet, reserved);

    expect(fieldsOf(fleet, 'lh').k3s_token).toMatch(TOKEN);
  });

  it('keeps what k3s needs when the certificate is renewed', async () => {
    const fleet = testFleet();
    const { reserved } = await aServer(fleet);
    const life = await makeReady(fleet, reserved);
    const before = fieldsOf(fleet, 'lh');

    await renewIdentity(fleet, life);

    const after = fieldsOf(fleet, 'lh');
    expect(after.nebula_node_crt).not.toBe(before.nebula_node_crt);
    for (const field of ['k3s_token', 'k3s_agent_token', 'k3s_config']) expect(after[field]).toBe(before[field]);
  });
});

describe('the secret of a gpu-worker', () => {
  it('joins with the agent token of its server, under the CA of the cluster, at its private address', async () => {
    const fleet = testFleet();
    const { server } = await aServer(fleet);

    await issueIdentity(fleet, await aNode(fleet, server));

    const agentToken = fieldsOf(fleet, 'lh').k3s_agent_token;
    const fields = fieldsOf(fleet, 'gpu');
    expect(fields.k3s_token).toBe(`K10${CA_HASH}::node:${agentToken}`);
    expect(fields.k3s_url).toBe('https://10.20.0.10:6443');
    expect(fields.k3s_config).toContain('server: "https://10.20.0.10:6443"');
    expect(fields.k3s_config).not.toContain(agentToken);
    expect(fields.k3s_agent_token).toBeUndefined();
  });

  it('never holds what would make it a server', async () => {
    const fleet = testFleet();
    const { server } = await aServer(fleet);

    await issueIdentity(fleet, await aNode(fleet, server));

    expect(JSON.stringify(fieldsOf(fleet, 'gpu'))).not.toContain(fieldsOf(fleet, 'lh').k3s_token);
  });

  it('joins over the mesh where nodes are there, and knows where its server is while the homelab is dark', async () => {
    const fleet = inMesh();
    const { server } = await aServer(fleet);

    await issueIdentity(fleet, await aNode(fleet, server));

    const { k3s_url, nebula_config } = fieldsOf(fleet, 'gpu');
    expect(k3s_url).toBe(`https://${server.meshIp}:6443`);
    expect(nebula_config).toContain(`"${server.meshIp}": ["10.20.0.10:4242"]`);
  });

  it('finds its server again when its certificate is renewed', async () => {
    const fleet = inMesh();
    const { reserved, server } = await aServer(fleet);
    await makeReady(fleet, reserved);
    const node = await aNode(fleet, server);
    await issueIdentity(fleet, node);
    const life = await makeReady(fleet, node);
    const before = fieldsOf(fleet, 'gpu');

    await renewIdentity(fleet, life);

    const after = fieldsOf(fleet, 'gpu');
    expect(after.nebula_config).toContain(`"${server.meshIp}": ["10.0.0.10:4242"]`);
    for (const field of ['k3s_token', 'k3s_url', 'k3s_config']) expect(after[field]).toBe(before[field]);
  });

  it('holds nothing of k3s for a worker that joins no cluster', async () => {
    const fleet = testFleet();

    await issueIdentity(fleet, await reserveWorker(fleet, 'gpu'));

    expect(Object.keys(fieldsOf(fleet, 'gpu')).filter((field) => field.startsWith('k3s'))).toEqual([]);
  });

  it.each([
    ['is gone', (fleet: TestFleet, arn: string) => fleet.secrets.delete(arn)],
    ['is no JSON', (fleet: TestFleet, arn: string) => fleet.secrets.put(arn, 'tell-tale text')],
    ['has no agent token', (fleet: TestFleet, arn: string) => fleet.secrets.put(arn, '{"k3s_token":"tell-tale"}')],
  ])('is not written when that of its server %s, and no text of it gets out', async (_, spoil) => {
    const fleet = testFleet();
    const { server } = await aServer(fleet);
    const node = await aNode(fleet, server);
    await spoil(fleet, server.secretArn);

    const error: unknown = await issueIdentity(fleet, node).catch((reason: unknown) => reason);

    expect(error).toMatchObject({ name: 'ClusterUnavailableError', kind: 'stop' });
    expect(String(error)).not.toContain('tell-tale');
    expect(fleet.secrets.versionsOf(secretName('gpu'))).toEqual([]);
  });
});
