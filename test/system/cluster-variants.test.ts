import { describe, expect, it, type TestContext } from 'vitest';
import { type Cloud, startCloud } from '../../local/cloud.ts';
import { emulatorObstacle } from '../scenario/support/emulator.ts';
import { carrierarr } from './support/command-line.ts';

const obstacle = await emulatorObstacle();
if (obstacle !== undefined) console.warn(`SKIPPED: clusters of other configurations. ${obstacle}`);

/** A cloud of its own, since a configuration is a fleet's and the homelab's node is everybody's. */
const aCloud = async ({ onTestFinished }: TestContext, name: string, config: unknown): Promise<Cloud> => {
  const cloud = await startCloud({ name: `${name}-${process.pid}`, nodes: 'played', waitScale: 0.3, config });
  onTestFinished(() => cloud.stop());
  return cloud;
};

const setHomelab = async ({ endpoint }: Cloud, online: boolean): Promise<void> => {
  const answer = await fetch(`${endpoint}/_edge/homelab`, { method: 'POST', body: JSON.stringify({ online }) });
  expect(answer.ok).toBe(true);
};

const liveAndDie = async (on: Cloud): Promise<string> => {
  const born = await carrierarr(on, 'provision', 'house', '--role', 'lighthouse');
  expect(born.code, born.output).toBe(0);
  const joined = await carrierarr(on, 'provision', 'guest', '--role', 'gpu-worker');
  expect(joined.code, joined.output).toBe(0);
  const gone = await carrierarr(on, 'teardown', 'guest', 'house');
  expect(gone.code, gone.output).toBe(0);
  return born.output;
};

describe.skipIf(obstacle !== undefined).concurrent('a fleet of another configuration', { timeout: 300_000 }, () => {
  it('peers as the seed did, EC2 consuming the homelab, with ClusterMesh beside it', async (context) => {
    const seed = await aCloud(context, 'seed', {
      liqo: { direction: 'aws-consumes-homelab' },
      k3s: { nodeNetwork: 'mesh' },
      cilium: { clusterMesh: true },
    });

    await liveAndDie(seed);
  });

  it('without Liqo needs no homelab node at all', async (context) => {
    const alone = await aCloud(context, 'alone', { liqo: { enabled: false } });
    await setHomelab(alone, false);

    expect(await liveAndDie(alone)).not.toContain('Peer clusters');
  });

  it('refuses a lighthouse while the homelab is dark, before anything costs, and takes workers away all the same', async (context) => {
    const dark = await aCloud(context, 'dark', {});
    expect((await carrierarr(dark, 'provision', 'house', '--role', 'lighthouse')).code).toBe(0);
    await setHomelab(dark, false);

    const refused = await carrierarr(dark, 'provision', 'second', '--role', 'lighthouse', '--cluster', 'other');
    const gone = await carrierarr(dark, 'teardown', 'house');

    expect(refused.code).not.toBe(0);
    expect(refused.output).toMatch(/HomelabOfflineError|homelab/);
    expect(refused.output).toContain('carrierarr homelab activate');
    expect(refused.output).not.toContain('Launch instance');
    expect(gone.code, gone.output).toBe(0);
  });
});
