import { describe, expect, it } from 'vitest';
import { type NodeSandbox, sandboxObstacle } from '../../ssm/node-sandbox.ts';
import { aNode, type World } from './support.ts';

const WATCH = '/usr/local/lib/carrierarr/interruption.sh';
const ACTION = 'meta-data/spot/instance-action';
const NOTICE = JSON.stringify({ action: 'terminate', time: '2026-11-22T06:02:00Z' });
const KUBELET = '/var/lib/rancher/k3s/agent/kubelet.kubeconfig';
const SERVER = '/etc/rancher/k3s/k3s.yaml';

const aPod = (name: string, namespace = 'work', overrides: Record<string, unknown> = {}, metadata = {}) => ({
  metadata: { name, namespace, ...metadata },
  spec: { nodeName: 'carrierarr-gpu-1', terminationGracePeriodSeconds: 30 },
  status: { phase: 'Running' },
  ...overrides,
});

/** A node in a cluster whose kubectl is a program that writes down what it is asked, and drops the pods it evicts. */
const aClusterNode = async (pods: readonly unknown[], kubeconfig = KUBELET): Promise<World> => {
  const world = await aNode({ hurry: false });
  await world.node.write(kubeconfig, 'apiVersion: v1\n');
  await world.node.write('/etc/rancher/k3s/config.yaml', 'node-name: "carrierarr-gpu-1"\n');
  await world.node.write('/run/pods.json', JSON.stringify({ items: pods }));
  await world.node.stub(
    'k3s',
    [
      'printf "%s\\n" "$*" >>/run/k3s.told',
      '[[ $* == *"get pods"* ]] && exec cat /run/pods.json',
      'if [[ $* == *--raw* ]]; then',
      '  body=$(cat); printf "%s\\n" "$body" >>/run/evictions',
      '  [[ -e /run/budget ]] && { rm /run/budget; exit 1; }',
      '  jq --argjson e "$body" \'.items |= map(select(.metadata.name != $e.metadata.name))\' /run/pods.json >/run/pods.new',
      '  mv /run/pods.new /run/pods.json',
      'fi',
      'true',
    ].join('\n'),
  );
  await world.node.stub('sleep', 'printf "%s\\n" "$1" >>/run/slept; exec /bin/sleep 0.05');
  return world;
};

const evicted = async (node: NodeSandbox): Promise<string[]> =>
  (await node.shell('cat /run/evictions 2>/dev/null || true'))
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => (JSON.parse(line) as { metadata: { name: string } }).metadata.name);

const CORDON =
  'kubectl --request-timeout=10s patch node carrierarr-gpu-1 --type merge --patch {"spec":{"unschedulable":true}}';

describe.skipIf(sandboxObstacle !== undefined).concurrent('the watch for interruptions', () => {
  it('writes the notice down, cordons, evicts and marks both', async () => {
    const { node, instance } = await aClusterNode([aPod('one'), aPod('two')]);
    instance.metadata.set(ACTION, NOTICE);

    const { code } = await node.run([WATCH]);

    expect(code).toBe(0);
    expect(JSON.parse(await node.read('/run/carrierarr/interruption.json'))).toEqual({
      action: 'terminate',
      time: '2026-11-22T06:02:00Z',
      at: expect.stringMatching(/^\d{4}-\d{2}-\d{2}T[\d:]{8}Z$/),
    });
    expect((await node.read('/run/k3s.told')).split('\n')[0]).toBe(CORDON);
    expect(await evicted(node)).toEqual(['one', 'two']);
    expect(await node.read('/run/carrierarr/timeline')).toMatch(/ interruption\n.* interruption-drained\n$/);
  });

  it('leaves alone what would come straight back, is static or has ended', async () => {
    const daemon = { ownerReferences: [{ kind: 'DaemonSet', name: 'cilium' }] };
    const { node, instance } = await aClusterNode([
      aPod('daemon', 'kube-system', {}, daemon),
      aPod('static', 'kube-system', {}, { annotations: { 'kubernetes.io/config.mirror': 'x' } }),
      aPod('ended', 'work', { status: { phase: 'Succeeded' } }),
      aPod('replica', 'work', {}, { ownerReferences: [{ kind: 'ReplicaSet', name: 'r' }] }),
    ]);
    instance.metadata.set(ACTION, NOTICE);

    await node.run([WATCH]);

    expect(await evicted(node)).toEqual(['replica']);
  });

  it("uses the cluster's own credentials on a server, where what carries the others stays", async () => {
    const pods = [aPod('coredns', 'kube-system'), aPod('gateway', 'liqo-tenant-home'), aPod('offloaded', 'work')];
    const { node, instance } = await aClusterNode(pods, SERVER);
    instance.metadata.set(ACTION, NOTICE);

    await node.run([WATCH]);

    expect(await evicted(node)).toEqual(['offloaded']);
  });

  it('asks again where a disruption budget refuses, and gives no pod more time than there is', async () => {
    const slow = { spec: { nodeName: 'carrierarr-gpu-1', terminationGracePeriodSeconds: 3600 } };
    const { node, instance } = await aClusterNode([aPod('slow', 'work', slow)]);
    await node.write('/run/budget', '');
    instance.metadata.set(ACTION, NOTICE);

    await node.run([WATCH]);

    const asked = (await node.read('/run/evictions')).trimEnd().split('\n');
    expect(asked).toHaveLength(2);
    const { deleteOptions } = JSON.parse(asked[0] ?? '') as { deleteOptions: { gracePeriodSeconds: number } };
    expect(deleteOptions.gracePeriodSeconds).toBeLessThanOrEqual(100);
  });

  it('ends in time although a pod stays', async () => {
    const { node } = await aClusterNode([aPod('stays', 'work', {}, { deletionTimestamp: '2026-11-22T06:00:00Z' })]);
    const library = '/usr/local/lib/carrierarr/lib/evict.sh';

    const out = await node.shell(`log() { echo "$*"; }; source ${library}; evict_open; evict_all 1`);

    expect(out).toContain('pods left after 1 s:\nwork stays 30 true');
    expect(await evicted(node)).toEqual([]);
  });

  it('only cordons on a recommendation, once, and goes on watching', async () => {
    const { node, instance } = await aClusterNode([aPod('one')]);
    instance.metadata.set('meta-data/events/recommendations/rebalance', '{"noticeTime":"2026-11-22T06:00:00Z"}');
    const watch = node.run([WATCH]);
    await node.until('[[ $(wc -l </run/slept) -ge 3 ]]');

    expect(await node.read('/run/k3s.told')).toBe(`${CORDON}\n`);
    expect(await node.read('/run/carrierarr/timeline')).toMatch(/^\S+ rebalance\n$/);
    instance.metadata.set(ACTION, NOTICE);
    await watch;
    expect(await evicted(node)).toEqual(['one']);
  });

  it('outlives metadata that are away, that forget its session and that say nonsense', async () => {
    const { node, instance } = await aClusterNode([]);
    instance.deafCalls = 3;
    const watch = node.run([WATCH]);
    await node.until('[[ $(wc -l </run/slept) -ge 5 ]]');
    instance.forgetSessions();
    instance.metadata.set(ACTION, '<html>');
    await node.until('[[ $(wc -l </run/slept) -ge 8 ]]');
    instance.metadata.set(ACTION, NOTICE);

    const { code } = await watch;

    expect(code).toBe(0);
    expect(await node.read('/run/slept')).toMatch(/^(5\n)+$/);
    expect(await node.read('/run/carrierarr/interruption.json')).toContain('"terminate"');
  });

  it('does not watch where no Spot instance is', async () => {
    const { node, instance } = await aClusterNode([]);
    instance.metadata.set('meta-data/instance-life-cycle', 'on-demand');

    await expect(node.run([WATCH])).resolves.toMatchObject({ code: 0 });
  });

  it('tells the agent even where there is no cluster', async () => {
    const { node, instance } = await aNode({ hurry: false });
    instance.metadata.set(ACTION, NOTICE);

    const { code, stderr } = await node.run([WATCH]);

    expect(code).toBe(0);
    expect(stderr).toContain('this node is in no cluster');
    expect(await node.shell('stat -c %a /run/carrierarr/interruption.json')).toBe('644\n');
  });
});

describe.skipIf(sandboxObstacle !== undefined).concurrent('the drain that the control plane orders', () => {
  const DRAIN = '/usr/local/lib/carrierarr/drain.sh';

  it('cordons, evicts and ends well once no pod is left', async () => {
    const { node } = await aClusterNode([aPod('one'), aPod('two')]);

    const { code, stdout } = await node.run([DRAIN, '30']);

    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: 'carrierarr-gpu-1 is cordoned and has no pod left that could go\n',
    });
    expect(await evicted(node)).toEqual(['one', 'two']);
    expect(await node.read('/run/k3s.told')).toContain(CORDON);
  });

  it('says which pods are left when its time is over', async () => {
    const { node } = await aClusterNode([aPod('one', 'work', {}, { deletionTimestamp: '2026-11-22T06:00:00Z' })]);

    const { code, stderr } = await node.run([DRAIN, '1']);

    expect(code).toBe(3);
    expect(stderr).toContain('work one 30 true');
  });

  it('has nothing to do where there is no cluster, and takes no other limit than seconds', async () => {
    const { node } = await aNode({ hurry: false });

    expect((await node.run([DRAIN, '30'])).code).toBe(2);
    expect((await node.run([DRAIN, '30; id'])).code).toBe(64);
    expect((await node.run([DRAIN])).code).toBe(64);
  });
});
