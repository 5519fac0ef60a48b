import { describe, expect, it, vi } from 'vitest';
import { HOMELAB_STEPS, STEPS } from '#contract';
import { createPlayedHost, type PlayedHostOptions } from '../../../local/node/played/played-host.ts';
import type { NodeSecrets } from '../../../local/node/played/secrets.ts';
import { aCommand, aHomelabNode, aSpec } from './builders.ts';

const identity = JSON.stringify({ nebula_ip: '10.100.2.1', nebula_node_crt: 'pem' });

/** Sleeping takes no time but moves the clock on. */
const fastClock = () => {
  let now = 0;
  return {
    now: () => new Date(now),
    sleep: async (milliseconds: number) => {
      now += milliseconds;
      await new Promise((resolve) => setImmediate(resolve));
    },
  };
};

const secretsThat = (
  read: NodeSecrets['read'],
  write: NodeSecrets['write'] = async () => undefined,
): (() => NodeSecrets) => {
  const secrets = { read, write };
  return () => secrets;
};

const startNode = async (overrides: Partial<PlayedHostOptions> = {}) => {
  const host = createPlayedHost({
    reason: 'test',
    clock: fastClock(),
    secrets: secretsThat(async () => identity),
    ...overrides,
  });
  return { host, node: await host.start(aSpec()) };
};

const command = (parameters: Record<string, string>) => {
  const given = Object.entries(parameters).map(([name, value]) => [`SSM_${name}`, value]);
  return aCommand({ environment: { ...aCommand().environment, ...Object.fromEntries(given) } });
};

const resultOf = (stdout: string): unknown => JSON.parse(stdout);

describe('a played node', () => {
  it('registers', async () => {
    const { node } = await startNode();

    await expect(node.registered).resolves.toBeUndefined();
  });

  it('says that it is played and passes the step whose parameters it is given', async () => {
    const { node } = await startNode();
    await node.run(command({ LimitSeconds: '180' }));

    const result = await node.run(command({ NebulaIp: '10.100.2.1', LighthouseIp: '10.100.0.1' }));

    expect(result).toMatchObject({ status: 'Success', exitCode: 0 });
    expect(resultOf(result.stdout)).toMatchObject({ step: 'verify-nebula', ok: true, rc: 0, played: true });
  });

  it('fails the mesh check when the secret holds another address', async () => {
    const { node } = await startNode();
    await node.run(command({ LimitSeconds: '180' }));

    const result = await node.run(command({ NebulaIp: '10.100.2.9', LighthouseIp: '10.100.0.1' }));

    expect(result).toMatchObject({ status: 'Failed', exitCode: 1 });
    expect(resultOf(result.stdout)).toMatchObject({ ok: false, tail: expect.stringContaining('expected 10.100.2.9') });
  });

  it('waits for a secret that is bound only after the launch', async () => {
    let calls = 0;
    const read = async () => {
      calls += 1;
      if (calls < 4) throw Object.assign(new Error('not yours'), { name: 'AccessDeniedException' });
      return identity;
    };
    const { node } = await startNode({ secrets: secretsThat(read) });

    const result = await node.run(command({ LimitSeconds: '180' }));

    expect(result.status).toBe('Success');
    expect(calls).toBe(4);
  });

  it('fails the boot, with the reason, when the secret stays out of reach for 120 s', async () => {
    const read = () =>
      Promise.reject(Object.assign(new Error('no such secret'), { name: 'ResourceNotFoundException' }));
    const { node } = await startNode({ secrets: secretsThat(read) });

    const result = await node.run(command({ LimitSeconds: '180' }));

    expect(result.status).toBe('Failed');
    expect(result.stdout).toContain('catalyst-llm/nebula-gpu-1: ResourceNotFoundException: no such secret');
  });

  it('ends a cancelled command as cancelled', async () => {
    const read = () => Promise.reject(new Error('never'));
    const { node } = await startNode({ secrets: secretsThat(read) });

    const running = node.run(command({ LimitSeconds: '100' }));
    await node.cancel(aCommand().commandId);

    await expect(running).resolves.toMatchObject({ status: 'Cancelled', exitCode: 137 });
  });

  it('goes by the name of the step where the sender gives it', async () => {
    const { node } = await startNode();

    const result = await node.run(aCommand({ step: 'node-status', environment: { SSM_Anything: '1' } }));

    expect(resultOf(result.stdout)).toMatchObject({ step: 'node-status', ok: true });
  });

  it('never registers once it is stopped', async () => {
    const { node } = await startNode();
    await node.stop();

    await expect(node.registered).rejects.toThrow(/stopped before/);
  });
});

describe('steps of the cluster on a played node', () => {
  const startBooted = async () => {
    const started = await startNode();
    await started.node.run(command({ LimitSeconds: '180' }));
    return started;
  };
  const play = (step: string, parameters: Record<string, string> = {}) => ({ ...command(parameters), step });

  it('find the hash of the CA, which is another for every identity', async () => {
    const { node } = await startBooted();

    const { stdout } = await node.run(play('install-cilium', { Version: '1.16.6' }));

    expect(resultOf(stdout)).toMatchObject({ ok: true, caHash: expect.stringMatching(/^[0-9a-f]{64}$/) });
  });

  it('fail where the boot failed', async () => {
    const { node } = await startNode({ secrets: secretsThat(async () => '{}') });
    await node.run(command({ LimitSeconds: '180' }));

    const { stdout } = await node.run(play('install-liqo', { Version: '1.2.0' }));

    expect(resultOf(stdout)).toMatchObject({ ok: false, reason: expect.stringContaining('boot failed') });
  });

  it.each(Object.keys({ ...STEPS, ...HOMELAB_STEPS }))('%s is played and says its name', async (step) => {
    const { node } = await startBooted();

    const { stdout } = await node.run(play(step, { NebulaIp: '10.100.2.1' }));

    expect(resultOf(stdout)).toMatchObject({ step, ok: true, played: true });
  });
});

describe('the played homelab', () => {
  const startHomelab = (read: NodeSecrets['read'], write?: NodeSecrets['write']) =>
    createPlayedHost({ reason: 'test', clock: fastClock(), secrets: secretsThat(read, write) }).startHomelab({
      fleetCaPem: '',
      node: aHomelabNode(),
    });

  it('has a certificate for the configuration', async () => {
    const { host } = await startNode();

    const { trustedCaPem } = await host.prepareHomelab('/nonexistent');

    expect(trustedCaPem).toMatch(/^-----BEGIN NEBULA CERTIFICATE-----\n/);
  });

  it('peers with the credential of its secret, and shows the resources asked for', async () => {
    const read = vi.fn(async () => 'a kubeconfig');
    const { node } = await startHomelab(read);

    const peered = await node.run({ ...command({ SecretId: 'handover' }), step: 'homelab-peer' });
    const verified = await node.run({
      ...command({ ProviderClusterId: 'aws-k3s', Resources: 'nvidia.com/gpu=1' }),
      step: 'homelab-verify-peering',
    });

    expect(read).toHaveBeenCalledWith('handover');
    expect(peered.status).toBe('Success');
    expect(resultOf(verified.stdout)).toMatchObject({
      virtualNode: 'aws-k3s',
      capacity: { 'nvidia.com/gpu': '1' },
      checks: expect.arrayContaining([expect.objectContaining({ ok: true })]),
    });
  });

  it.each([
    ['empty', async () => '', 'is empty'],
    ['out of reach', () => Promise.reject(new Error('AccessDenied')), 'AccessDenied'],
  ])('does not peer where the secret is %s', async (_what, read, reason) => {
    const { node } = await startHomelab(read);

    const { stdout } = await node.run({ ...command({ SecretId: 'handover' }), step: 'homelab-peer' });

    expect(resultOf(stdout)).toMatchObject({ ok: false, reason: expect.stringContaining(reason) });
  });

  it('unpeers without a credential from a provider that is gone', async () => {
    const { node } = await startHomelab(() => Promise.reject(new Error('never')));

    const { status } = await node.run({ ...command({ SecretId: '' }), step: 'homelab-unpeer' });

    expect(status).toBe('Success');
  });

  it('puts the credential it makes into the secret', async () => {
    const write = vi.fn(async () => undefined);
    const { node } = await startHomelab(async () => '', write);

    await node.run({
      ...command({ SecretId: 'handover', ConsumerClusterId: 'aws-k3s' }),
      step: 'homelab-make-peering-user',
    });

    expect(write).toHaveBeenCalledWith('handover', expect.stringContaining('aws-k3s'));
  });
});
