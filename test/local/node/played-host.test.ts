import { describe, expect, it } from 'vitest';
import { createPlayedHost, type PlayedHostOptions } from '../../../local/node/played/played-host.ts';
import { aCommand, aSpec } from './builders.ts';

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

const startNode = async (overrides: Partial<PlayedHostOptions> = {}) => {
  const host = createPlayedHost({
    reason: 'test',
    clock: fastClock(),
    readSecret: () => async () => identity,
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
    const readSecret = () => async () => {
      calls += 1;
      if (calls < 4) throw Object.assign(new Error('not yours'), { name: 'AccessDeniedException' });
      return identity;
    };
    const { node } = await startNode({ readSecret });

    const result = await node.run(command({ LimitSeconds: '180' }));

    expect(result.status).toBe('Success');
    expect(calls).toBe(4);
  });

  it('fails the boot, with the reason, when the secret stays out of reach for 120 s', async () => {
    const readSecret = () => () =>
      Promise.reject(Object.assign(new Error('no such secret'), { name: 'ResourceNotFoundException' }));
    const { node } = await startNode({ readSecret });

    const result = await node.run(command({ LimitSeconds: '180' }));

    expect(result.status).toBe('Failed');
    expect(result.stdout).toContain('catalyst-llm/nebula-gpu-1: ResourceNotFoundException: no such secret');
  });

  it('ends a cancelled command as cancelled', async () => {
    const readSecret = () => () => Promise.reject(new Error('never'));
    const { node } = await startNode({ readSecret });

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

describe('the played homelab', () => {
  it('has a certificate for the configuration', async () => {
    const { host } = await startNode();

    const { trustedCaPem } = await host.prepareHomelab('/nonexistent');

    expect(trustedCaPem).toMatch(/^-----BEGIN NEBULA CERTIFICATE-----\n/);
  });
});
