import { rmSync, writeFileSync } from 'node:fs';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { sandboxObstacle } from '../ssm/node-sandbox.ts';
import type { StepOutcome } from '../ssm/run-step.ts';
import { type Clusters, DOOR, PROVIDER, PROVIDER_URL, peered, type Side } from './liqo/support.ts';

interface Check {
  readonly name: string;
  readonly ok: boolean;
  readonly ms: number;
  readonly detail?: string;
  readonly remedy?: string;
}

const VERIFY = {
  ProviderClusterId: PROVIDER,
  ProviderUrl: PROVIDER_URL,
  ProxyUrl: DOOR,
  Mtu: '1140',
  Networking: 'true',
  Resources: 'nvidia.com/gpu=1',
};
const NAMES = [
  'peering-healthy',
  'tunnel-connected',
  'door-livez',
  'virtual-node',
  'capacity',
  'offload-namespace',
  'aws-reaches-home',
  'home-to-aws-1MiB',
  'aws-to-home-1MiB',
  'datagram-1140',
  'home-reaches-aws',
  'reverse-aws-to-home-1MiB',
  'reverse-home-to-aws-1MiB',
  'reverse-datagram-1140',
];

const checksOf = ({ verdict }: StepOutcome) => {
  if (verdict.checks === undefined) throw new Error(`the step came to no checks: ${JSON.stringify(verdict)}`);
  return verdict.checks as readonly Check[];
};
const failed = (outcome: StepOutcome) =>
  checksOf(outcome)
    .filter(({ ok }) => !ok)
    .map(({ name }) => name);
const left = async (side: Side) =>
  (await side.run('kubectl', 'get', 'pods,jobs,services', '-n', 'carrierarr-check', '-o', 'name')).stdout;

describe.skipIf(sandboxObstacle !== undefined)('verify-peering', () => {
  // One pair for all: the step clears away what it made, which is part of what is tested here.
  let clusters: Clusters;
  beforeAll(async () => {
    clusters = await peered();
  });
  afterEach(async () => {
    network({});
    clusters.home.api.forget('pods-never-ready');
    await clusters.home.forget('liqoctl.*');
    await clusters.home.unsettle();
    rmSync(`${clusters.wires}/door.down`, { force: true });
  });

  const verify = (parameters: Record<string, string> = {}) =>
    clusters.home.step('homelab-verify-peering', { ...VERIFY, ...parameters });
  const network = (model: unknown) => clusters.home.api.knob('network.json', JSON.stringify(model));

  it('proves traffic both ways, and leaves nothing behind, of an earlier run either', async () => {
    const labels = { 'app.kubernetes.io/part-of': 'carrierarr-check' };
    await clusters.home.run('kubectl', 'create', 'namespace', 'carrierarr-check');
    await clusters.home.apply({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'peering-here', namespace: 'carrierarr-check', labels },
      spec: { containers: [{ name: 'old', image: 'old' }] },
    });

    const outcome = await verify();

    expect(outcome.verdict.reason).toBeUndefined();
    expect(checksOf(outcome).map(({ name, ok }) => [name, ok])).toEqual(NAMES.map((name) => [name, true]));
    expect(outcome.verdict).toMatchObject({
      mtu: 1140,
      virtualNode: PROVIDER,
      capacity: { 'nvidia.com/gpu': '1' },
    });
    expect(await left(clusters.home)).toBe('');
    const calls = await clusters.home.calls();
    expect(calls.filter((call) => call.startsWith('unoffload namespace carrierarr-check'))).toHaveLength(1);
    expect(outcome.stdout.length).toBeLessThan(24_000);
    expect(await clusters.home.seen()).toContain('an earlier run left probes behind');
  });

  it('tells a tunnel that is too small for its packets from one that is dead', async () => {
    network({ mtu: 1100 });
    const small = await verify();
    network({ down: ['tunnel'] });
    const dead = await verify();

    expect(failed(small)).toEqual(NAMES.filter((name) => /1MiB|datagram/.test(name)));
    expect(checksOf(small).find(({ name }) => name === 'home-to-aws-1MiB')).toMatchObject({
      detail: 'stalled or damaged after 0 bytes',
      remedy: expect.stringContaining('liqo.mtu'),
    });
    expect(small.verdict.reason).toMatch(/^6 of 14 checks failed: home-to-aws-1MiB: stalled/);
    expect(checksOf(dead).find(({ name }) => name === 'aws-reaches-home')).toMatchObject({
      ok: false,
      remedy: expect.stringContaining('UDP port'),
    });
    expect(await left(clusters.home)).toBe('');
  });

  it('tells that only one direction carries, though resources are short too, or only names are missing', async () => {
    network({ down: ['peering-reverse'] });
    const oneWay = await verify({ Resources: 'nvidia.com/gpu=2' });
    network({ down: ['dns'] });
    const names = await verify();

    // Traffic is tried all the same: who mends one must not find the other only then.
    const [first, ...others] = failed(oneWay);
    expect(first).toBe('capacity');
    expect(others.length).toBeGreaterThan(0);
    expect(others.every((name) => /^(home-reaches|reverse)/.test(name))).toBe(true);
    expect(checksOf(names).find(({ name }) => name === 'aws-reaches-home')?.detail).toContain('name of the Service');
  });

  it('leaves traffic out, and says so, where networks stay apart', async () => {
    const apart = await peered({ Networking: 'false' });

    const outcome = await apart.home.step('homelab-verify-peering', { ...VERIFY, Networking: 'false' });

    expect(failed(outcome)).toEqual([]);
    expect(checksOf(outcome).find(({ name }) => name === 'offloaded-job')?.detail).toContain(
      'liqo.networking is false',
    );
    expect(checksOf(outcome).some(({ name }) => name.includes('1MiB') || name === 'tunnel-connected')).toBe(false);
  });

  it('names the image that cannot be pulled, and clears away all the same', async () => {
    clusters.home.api.knob('pods-never-ready', 'carrierarr-check/peering-there ImagePullBackOff no such image');
    await clusters.home.settle('carrierarr.io/probe=peering-there', 'ImagePullBackOff');

    const outcome = await verify();

    expect(failed(outcome)).toEqual(['peering-there']);
    expect(outcome.verdict.reason).toMatch(/no such image/);
    expect(await left(clusters.home)).toBe('');
  });

  it('names both: resources are short, and the namespace cannot be offloaded', async () => {
    await clusters.home.knob('liqoctl.offload-namespace.fail', 'ERRO namespace carrierarr-check is in the way');

    const outcome = await verify({ Resources: 'nvidia.com/gpu=2,cpu=1' });

    // Without the offloading no traffic is tried.
    expect(failed(outcome)).toEqual(['capacity', 'offload-namespace']);
    expect(checksOf(outcome).at(-1)?.name).toBe('offload-namespace');
    expect(outcome.verdict.reason).toContain('nvidia.com/gpu is 1, not 2');
    expect(outcome.verdict.reason).toContain('in the way');
  });

  it('does without a peering: no virtual node, no tunnel, and says so', async () => {
    const outcome = await verify({ ProviderClusterId: 'elsewhere' });

    expect(failed(outcome)).toEqual(['peering-healthy', 'tunnel-connected', 'door-livez', 'virtual-node']);
  });

  it('notices the door shut', async () => {
    writeFileSync(`${clusters.wires}/door.down`, '');

    expect(failed(await verify())).toContain('door-livez');
  });
});
