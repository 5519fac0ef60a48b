import { beforeAll, describe, expect, it } from 'vitest';
import { sandboxObstacle } from '../../ssm/node-sandbox.ts';
import {
  type Clusters,
  CONSUMER,
  PROVIDER,
  peered,
  type Side,
  twoClusters,
  twoLiqos,
  UNPEER,
  USER,
} from './support.ts';

const TENANT = `liqo-tenant-${PROVIDER}`;
const FORGET = { ClusterId: PROVIDER };

const verbs = async (side: Side): Promise<string[]> =>
  (await side.calls()).map((call) => call.split(' ').slice(0, 2).join(' '));

/** A namespace in deletion that somebody holds back: its own labels, and a finalizer on something in it. */
const stuckNamespace = async (side: Side, name: string, labels: object, finalizer: string): Promise<void> => {
  await side.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } });
  await side.apply({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'held', namespace: name, finalizers: [finalizer] },
  });
  await side.run('kubectl', 'delete', 'namespace', name, '--wait=false');
};

describe.skipIf(sandboxObstacle !== undefined).concurrent('homelab-unpeer', { timeout: 240_000 }, () => {
  it('takes back, drains and unpeers with a fresh credential, and leaves nothing', async ({ onTestFinished }) => {
    const { aws, home } = await peered({ Namespaces: 'llm' }, onTestFinished);
    await aws.step('make-peering-user', USER);

    const { code, verdict } = await home.step('homelab-unpeer', UNPEER);

    expect(verdict).toMatchObject({ ok: true, how: 'unpeer', unoffloaded: ['llm'], troubles: [], left: [] });
    expect(code).toBe(0);
    expect(await home.names('nodes')).not.toContain(PROVIDER);
    expect(await home.names('namespaces')).not.toContain(TENANT);
    expect(await aws.names('foreignclusters')).toEqual([]);
    expect(await aws.names('namespaces')).not.toContain('llm');
    const order = (await verbs(home)).filter((verb) => /^(unoffload|unpeer|force)/.test(verb));
    expect(order.map((verb) => verb.split(' ')[0])).toEqual(['unoffload', 'unpeer']);
  });

  it('uses force where the provider is gone from the start', async ({ onTestFinished }) => {
    const { aws, home } = await peered({}, onTestFinished);
    await aws.api.stop();

    const { verdict } = await home.step('homelab-unpeer', { ...UNPEER, SecretId: '' });

    expect(verdict).toMatchObject({ ok: true, how: 'force', left: [] });
    expect(await verbs(home)).toContain('force unpeer');
    expect(await verbs(home)).not.toContain('unpeer --remote-kubeconfig');
  });

  it('uses force where the provider falls silent, and says why', async ({ onTestFinished }) => {
    const { aws, home } = await peered({}, onTestFinished);
    await aws.api.stop();

    const { verdict } = await home.step('homelab-unpeer', UNPEER);

    expect(verdict).toMatchObject({ ok: true, how: 'force', left: [] });
    expect(verdict.troubles).toContainEqual(expect.stringContaining('does not answer behind the mesh door'));
  });

  it('goes on where a part fails', async ({ onTestFinished }) => {
    const { home } = await peered({ Namespaces: 'llm' }, onTestFinished);
    await home.knob('liqoctl.unoffload-namespace.fail', ' ERRO  the server is currently unable\n');

    const { verdict } = await home.step('homelab-unpeer', { ...UNPEER, SecretId: '' });

    expect(verdict).toMatchObject({ ok: true, how: 'force', left: [] });
    expect(verdict.troubles).toContainEqual(expect.stringContaining('namespaces llm were not taken back'));
  });

  it('fails with the names of what is left where nothing helps', async ({ onTestFinished }) => {
    const { home } = await peered({}, onTestFinished);
    await home.knob('liqoctl.force-unpeer.fail', ' ERRO  no\n');

    const { code, verdict } = await home.step('homelab-unpeer', { ...UNPEER, SecretId: '' });

    expect(code).toBe(1);
    expect(verdict.reason).toContain(`there is left: ForeignCluster ${PROVIDER}`);
  });
});

describe.skipIf(sandboxObstacle !== undefined).concurrent('homelab-forget-cluster', { timeout: 240_000 }, () => {
  it("clears the namespaces that Liqo left stuck, and nobody else's", async ({ onTestFinished }) => {
    const { aws, home } = await peered({}, onTestFinished);
    await aws.api.stop();
    await home.knob('liqoctl.stuck');
    await home.knob('liqoctl.timeout', '1');
    await stuckNamespace(home, 'foreign', {}, 'example.org/keeps');
    const both = { 'liqo.io/tenant-namespace': 'true', 'liqo.io/remote-cluster-id': PROVIDER };
    await stuckNamespace(home, 'shared', both, 'example.org/keeps');

    const { verdict } = await home.step('homelab-forget-cluster', FORGET);

    expect(verdict.cleared).toEqual([TENANT]);
    expect(await home.names('namespaces')).not.toContain(TENANT);
    expect(await home.names('namespaces')).toEqual(expect.arrayContaining(['foreign', 'shared']));
    expect(verdict.left).toEqual(['namespace shared']);
    expect(await home.seen()).toContain(`namespace ${TENANT} is stuck on finalizers of Liqo: cleared`);
  });

  it('has nothing to do where Liqo never was', async ({ onTestFinished }) => {
    const { home } = await twoClusters(onTestFinished);

    const { verdict } = await home.step('homelab-forget-cluster', FORGET);

    expect(verdict).toMatchObject({ ok: true, cluster: PROVIDER, left: [] });
    expect(await home.calls()).toEqual([]);
  });
});

// None of these changes what the next one meets.
describe.skipIf(sandboxObstacle !== undefined)('where nothing is peered', () => {
  let clusters: Clusters;
  beforeAll(async () => {
    clusters = await twoLiqos();
  });

  it('homelab-unpeer has nothing to do', async () => {
    const { home } = clusters;

    const { verdict } = await home.step('homelab-unpeer', UNPEER);

    expect(verdict).toMatchObject({ ok: true, how: 'none', left: [] });
  });

  it('unpeer on EC2 has nothing to do either', async () => {
    const { aws } = clusters;

    const { verdict } = await aws.step('unpeer', { ...UNPEER, ProviderClusterId: CONSUMER });

    expect(verdict).toMatchObject({ ok: true, how: 'none', provider: CONSUMER });
  });

  it('homelab-forget-cluster takes back the peering user of the cluster that is gone', async () => {
    const { home } = clusters;
    await home.step('homelab-make-peering-user', { ...USER, ConsumerClusterId: PROVIDER });

    const { verdict } = await home.step('homelab-forget-cluster', FORGET);

    expect(verdict).toMatchObject({ ok: true, cleared: [], left: [] });
    expect(await home.names('certificatesigningrequests')).toEqual([]);
  });

  it('homelab-forget-cluster calls nothing gone that nobody could be asked about', async () => {
    const { home } = clusters;
    home.api.knob('deny', 'list nodes\n');
    await home.node.hasten();

    const { code, verdict } = await home.step('homelab-forget-cluster', FORGET);

    expect(code).toBe(1);
    expect(verdict.reason).toContain(`there is left: perhaps virtual nodes and namespaces of ${PROVIDER}`);
  });
});
