import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { customResource } from '../../../../local/node/standins/cluster/server/kinds.ts';
import { aCluster, aNamespace, aNode, aWorkload, type Served, serve } from './helpers.ts';

const WIDGET = customResource({ group: 'a.io', version: 'v1', kind: 'Widget', plural: 'widgets', namespaced: true });
const aWidget = (finalizers: string[] = []) => ({
  apiVersion: 'a.io/v1',
  kind: 'Widget',
  metadata: { name: 'w', namespace: 'here', finalizers },
});

describe('the API server', () => {
  let served: Served;
  beforeEach(async () => {
    served = await serve(aCluster());
  });
  afterEach(() => served.api.close());

  it.each(['/livez', '/readyz', '/healthz'])('answers %s with ok and nothing else', async (path) => {
    expect(await served.client.raw('GET', path)).toEqual({ status: 200, text: 'ok' });
  });

  it('knows an object after it was created, under every name of its kind', async () => {
    await served.client.create(aNamespace('here'));

    const found = await Promise.all(
      ['namespaces', 'namespace', 'ns', 'Namespace'].map((resource) => served.client.get({ resource, name: 'here' })),
    );

    expect(new Set(found.map(({ metadata }) => metadata.uid)).size).toBe(1);
  });

  it.each([
    ['what is not there', () => served.client.get({ resource: 'pods', name: 'x' }), 'NotFound', 'pods "x" not found'],
    [
      'what is there already',
      () => served.client.create(aNamespace('default')),
      'AlreadyExists',
      'namespaces "default" already exists',
    ],
    [
      'a namespace that is not there',
      () => served.client.create(aWorkload('Deployment', 'a', {}, 'nowhere')),
      'NotFound',
      'namespaces "nowhere" not found',
    ],
    [
      'the end of kube-system',
      () => served.client.delete({ resource: 'ns', name: 'kube-system' }),
      'Forbidden',
      'this namespace may not be deleted',
    ],
    ['a kind it does not know', () => served.client.list({ resource: 'widgets' }), 'UnknownResource', 'resource type'],
    ['an object of such a kind', () => served.client.create(aWidget()), 'NoMatch', 'no matches for kind "Widget"'],
  ])('refuses %s', async (_, act, reason, message) => {
    await expect(act()).rejects.toMatchObject({ reason, message: expect.stringContaining(message) });
  });

  it('refuses a change of something that has changed since', async () => {
    const old = await served.client.create(aNamespace('here'));
    await served.client.patch({ resource: 'ns', name: 'here' }, { metadata: { labels: { a: 'b' } } });

    const { status, text } = await served.client.raw('PUT', '/api/v1/namespaces/here', old);

    expect(status).toBe(409);
    expect(text).toContain('please apply your changes to the latest version');
  });

  it('serves a custom kind as long as its definition is there', async () => {
    await served.client.apply(WIDGET);
    await served.client.create(aNamespace('here'));
    await served.client.apply(aWidget());

    expect(await served.client.list({ resource: 'widgets.a.io' })).toHaveLength(1);
  });

  it('takes away what the last apply had and this one has not, and leaves what others set', async () => {
    await served.client.apply(aNamespace('here', { ours: '1', also: '2' }));
    await served.client.patch({ resource: 'ns', name: 'here' }, { metadata: { labels: { theirs: '3' } } });

    const { metadata } = await served.client.apply(aNamespace('here', { ours: '1' }));

    expect(metadata.labels).toEqual({ 'kubernetes.io/metadata.name': 'here', ours: '1', theirs: '3' });
  });

  it('selects by labels', async () => {
    await served.client.create(aNamespace('a', { tier: 'one' }));
    await served.client.create(aNamespace('b', { tier: 'two', extra: '' }));
    const names = async (selector: string) =>
      (await served.client.list({ resource: 'ns', selector })).map(({ metadata }) => metadata.name);

    expect(await names('tier=one')).toEqual(['a']);
    expect(await names('tier in (one, two),!extra')).toEqual(['a']);
    expect(await names('tier,tier!=one')).toEqual(['b']);
  });

  it('keeps a namespace while something in it has a finalizer, and says what', async () => {
    await served.client.apply(WIDGET);
    await served.client.create(aNamespace('here'));
    await served.client.create(aWidget(['liqo.io/unpeer']));

    await served.client.delete({ resource: 'ns', name: 'here' });

    const stuck = await served.client.get({ resource: 'ns', name: 'here' });
    expect(stuck.status).toMatchObject({ phase: 'Terminating' });
    expect(JSON.stringify(stuck.status)).toContain('has finalizers remaining: liqo.io/unpeer in 1 resource instances');
    await expect(served.client.create(aWorkload('Deployment', 'late', {}, 'here'))).rejects.toMatchObject({
      message: expect.stringContaining('because it is being terminated'),
    });
  });

  it('lets such a namespace go when its finalizers are cleared through the finalize endpoint', async () => {
    await served.client.apply(WIDGET);
    await served.client.create(aNamespace('here'));
    await served.client.create(aWidget(['liqo.io/unpeer']));
    await served.client.delete({ resource: 'ns', name: 'here' });
    const stuck = await served.client.get({ resource: 'ns', name: 'here' });

    const body = { ...stuck, spec: { finalizers: [] } };
    const { status } = await served.client.raw('PUT', '/api/v1/namespaces/here/finalize', body);

    expect(status).toBe(200);
    expect(await served.client.find({ resource: 'ns', name: 'here' })).toBeUndefined();
  });
});

describe('the state of an API server', () => {
  it('survives its end', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'kube-'));
    const file = join(folder, 'state.json');
    const first = await serve(aCluster({ file }));
    await first.client.apply(WIDGET);
    await first.client.create(aNamespace('here'));
    const widget = await first.client.create(aWidget());
    await first.api.close();

    const second = await serve(aCluster({ file }));
    const kept = await second.client.get({ resource: 'widgets', namespace: 'here', name: 'w' });
    await second.api.close();
    rmSync(folder, { recursive: true });

    expect(kept).toEqual(widget);
  });
});

describe('pods', () => {
  const start = async (objects: ReturnType<typeof aNode>[], options = {}): Promise<Served> => {
    const served = await serve(aCluster(options));
    for (const object of objects) await served.client.create(object);
    return served;
  };
  const phases = async ({ client }: Served) =>
    (await client.list({ resource: 'pods' })).map(({ status }) => (status as { phase: string }).phase);

  it('run on a node, with an address of its range', async () => {
    const served = await start([aNode('n1'), aWorkload('Deployment', 'a')]);

    const [pod] = await served.client.list({ resource: 'pods' });
    await served.api.close();

    expect(pod?.status).toMatchObject({ phase: 'Running', podIP: '10.42.0.10' });
  });

  it('stay away from a node with a taint they do not tolerate', async () => {
    const spec = { taints: [{ key: 'nvidia.com/gpu', value: 'present', effect: 'NoSchedule' }] };
    const served = await start([aNode('n1', { spec }), aWorkload('Deployment', 'a')]);

    const seen = await phases(served);
    const [pod] = await served.client.list({ resource: 'pods' });
    await served.api.close();

    expect(seen).toEqual(['Pending']);
    expect(JSON.stringify(pod?.status)).toContain('untolerated taint {nvidia.com/gpu: present}');
  });

  it('wait for Cilium where flannel is off, which runs before the node is ready', async () => {
    const served = await start([aNode('n1'), aWorkload('Deployment', 'a')], { needsCni: true });
    expect(await phases(served)).toEqual(['Pending']);

    const cilium = aWorkload('DaemonSet', 'cilium', { hostNetwork: true }, 'kube-system');
    const labelled = JSON.parse(JSON.stringify(cilium).replaceAll('"app"', '"k8s-app"')) as typeof cilium;
    await served.client.create(labelled);
    const seen = await phases(served);
    await served.api.close();

    expect(seen).toEqual(['Running', 'Running']);
  });

  it('share the devices a node has', async () => {
    const status = { allocatable: { 'nvidia.com/gpu': '1' }, addresses: [] };
    const gpu = { containers: [{ name: 'g', resources: { limits: { 'nvidia.com/gpu': 1 } } }] };
    const served = await start([
      aNode('n1', { status }),
      aWorkload('Deployment', 'a', gpu),
      aWorkload('Deployment', 'b', gpu),
    ]);

    const seen = await phases(served);
    await served.api.close();

    expect(seen.sort()).toEqual(['Pending', 'Running']);
  });

  it('of a Job end, and go with it', async () => {
    const job = { ...aWorkload('Job', 'j', { restartPolicy: 'Never' }), apiVersion: 'batch/v1' };
    const served = await start([aNode('n1'), job]);
    const done = await served.client.get({ resource: 'jobs', name: 'j' });

    await served.client.delete({ resource: 'jobs', name: 'j' });
    const left = await phases(served);
    await served.api.close();

    expect(done.status).toMatchObject({ succeeded: 1, conditions: [{ type: 'Complete', status: 'True' }] });
    expect(left).toEqual([]);
  });

  it('are refused where PodSecurity forbids them, which an event tells and a label cures', async () => {
    const fabric = aWorkload('DaemonSet', 'fabric', { hostNetwork: true }, 'liqo');
    const served = await start([aNode('n1'), aNamespace('liqo'), fabric], { podSecurity: 'baseline' });
    const events = await served.client.list({ resource: 'events', namespace: 'liqo' });
    const refused = await phases(served);

    const labels = { 'pod-security.kubernetes.io/enforce': 'privileged' };
    await served.client.patch({ resource: 'ns', name: 'liqo' }, { metadata: { labels } });
    const cured = await phases(served);
    await served.api.close();

    expect(refused).toEqual([]);
    expect(events[0]?.message).toContain('violates PodSecurity "baseline:latest": host namespaces (hostNetwork=true)');
    expect(cured).toEqual(['Running']);
  });
});
