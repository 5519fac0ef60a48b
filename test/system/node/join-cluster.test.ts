import { describe, expect, it } from 'vitest';
import { sandboxObstacle } from '../../ssm/node-sandbox.ts';
import { runStep } from '../../ssm/run-step.ts';
import { aKubeNode, calls, stubCluster, stuckPods } from './cluster-stubs.ts';
import { aNode } from './support.ts';

const NODE = 'carrierarr-gpu-worker-001';
const JOIN = {
  NodeName: NODE,
  Labels: 'carrierarr.io/worker=gpu-worker-001,carrierarr.io/role=gpu-worker',
  Taint: 'nvidia.com/gpu=present:NoSchedule',
  ReadySeconds: '6',
};
const READY = { conditions: [{ type: 'Ready', status: 'True' }] };
const SERVING = JSON.stringify({ status: { ...READY, podIP: '10.42.0.17' } });
const fetched = (message: string, phase = 'Succeeded') =>
  JSON.stringify({ status: { phase, containerStatuses: [{ state: { terminated: { message } } }] } });

/** A server that another node has joined. */
const aServer = async () => {
  const { node } = await aNode({ role: 'lighthouse' });
  await stubCluster(node);
  await node.hasten();
  await node.write('/etc/rancher/k3s/config.yaml', 'node-name: "carrierarr-lighthouse-001"\n', '0600');
  await node.write('/run/kube/node.json', aKubeNode(NODE, true, { allocatable: { 'nvidia.com/gpu': '1' } }));
  await node.write('/run/kube/pod-serve.json', SERVING);
  await node.write('/run/kube/pod-fetch.json', fetched('{"ok":true,"bytes":1048576}'));
  return node;
};

describe.skipIf(sandboxObstacle !== undefined).concurrent('join-cluster', () => {
  it('labels and taints the node, sees its GPU and lets its pods reach pods here', async () => {
    const node = await aServer();

    const { code, verdict } = await runStep(node, 'join-cluster', JOIN);

    expect(verdict).toMatchObject({ ok: true, node: NODE, gpu: '1' });
    expect(code).toBe(0);
    const asked = (await calls(node, 'kubectl')).join('\n');
    expect(asked).toContain(
      `label node ${NODE} --overwrite carrierarr.io/worker=gpu-worker-001 carrierarr.io/role=gpu-worker`,
    );
    expect(asked).toContain(`taint node ${NODE} --overwrite nvidia.com/gpu=present:NoSchedule`);
    const pods = (await node.read('/run/kube/applied')).split('\n').filter((line) => line.includes('"Pod"'));
    expect(pods.map((line) => JSON.parse(line))).toMatchObject([
      {
        metadata: { name: 'serve-gpu-worker-001' },
        spec: { nodeSelector: { 'kubernetes.io/hostname': 'carrierarr-lighthouse-001' } },
      },
      { metadata: { name: 'fetch-gpu-worker-001' }, spec: { nodeSelector: { 'kubernetes.io/hostname': NODE } } },
    ]);
    expect(pods[1]).toContain('"name":"TARGET","value":"10.42.0.17:8080"');
    expect(asked.split('\n').at(-1)).toContain('delete pod serve-gpu-worker-001 fetch-gpu-worker-001');
  });

  it('asks for no GPU where none is required', async () => {
    const node = await aServer();
    await node.write('/run/kube/node.json', aKubeNode(NODE, true));

    const { verdict } = await runStep(node, 'join-cluster', { ...JOIN, Gpu: 'none', Taint: '', Labels: '' });

    expect(verdict).toMatchObject({ ok: true, gpu: '0' });
    expect((await calls(node, 'kubectl')).join('\n')).not.toMatch(/ (label|taint) /);
  });

  it('says why a node is not Ready', async () => {
    const node = await aServer();
    await node.write('/run/kube/node.json', aKubeNode(NODE, false));
    await node.write('/run/kube/pods.json', stuckPods('kube-system', 'cilium-9'));

    const { code, verdict } = await runStep(node, 'join-cluster', JOIN);

    expect(code).toBe(1);
    expect(verdict.reason).toMatch(
      /is not Ready after 6 s: Ready is False: .*; pods: kube-system\/cilium-9 is Pending/,
    );
  });

  it('says so where the node never came', async () => {
    const node = await aServer();
    await node.shell('rm /run/kube/node.json');

    const { verdict } = await runStep(node, 'join-cluster', JOIN);

    expect(verdict.reason).toContain('there is no such node');
  });

  it('says what the device plugin lacks where the node offers no GPU', async () => {
    const node = await aServer();
    await node.write('/run/kube/node.json', aKubeNode(NODE, true));
    await node.write('/run/kube/pods.json', stuckPods('kube-system', 'nvidia-device-plugin-1'));

    const { verdict } = await runStep(node, 'join-cluster', JOIN);

    expect(verdict.reason).toMatch(
      /offers no nvidia\.com\/gpu; device plugin: kube-system\/nvidia-device-plugin-1 is Pending/,
    );
  });

  it.each([
    ['fetched less', '{"ok":false,"bytes":0,"of":1048576}', 'Failed'],
    ['said nothing', '', 'Failed'],
    ['said nonsense', 'Killed', 'Succeeded'],
  ])('fails, and cleans up, where the pod on the node %s', async (_, message, phase) => {
    const node = await aServer();
    await node.write('/run/kube/pod-fetch.json', fetched(message, phase));

    const { verdict } = await runStep(node, 'join-cluster', JOIN);

    expect(verdict.ok).toBe(false);
    expect(verdict.reason).toContain(
      `pods on ${NODE} do not reach pods on carrierarr-lighthouse-001 (${message || 'it said nothing'})`,
    );
    expect((await calls(node, 'kubectl')).at(-1)).toContain('delete pod serve-gpu-worker-001 fetch-gpu-worker-001');
  });

  it.each([
    ['serve', "the check's pod on carrierarr-lighthouse-001 did not become ready"],
    ['fetch', `the check's pod on ${NODE} did not end`],
  ])('says why the %s pod does not run', async (name, reason) => {
    const node = await aServer();
    await node.shell(`rm /run/kube/pod-${name}.json`);
    await node.write('/run/kube/pods.json', stuckPods('carrierarr-join', `${name}-gpu-worker-001`));

    const { verdict } = await runStep(node, 'join-cluster', JOIN);

    expect(verdict.reason).toBe(
      `${reason}; pods: carrierarr-join/${name}-gpu-worker-001 is Pending: container main: ImagePullBackOff: Back-off pulling image "quay.io/x"`,
    );
  });
});

describe.skipIf(sandboxObstacle !== undefined).concurrent('leave-cluster', () => {
  it('drains the node and deletes it', async () => {
    const node = await aServer();

    const { verdict } = await runStep(node, 'leave-cluster', { NodeName: NODE });

    expect(verdict).toMatchObject({ ok: true, node: 'deleted', drained: true });
    const asked = (await calls(node, 'kubectl')).join('\n');
    expect(asked).toContain(`drain ${NODE} --ignore-daemonsets --delete-emptydir-data --force --timeout=60s`);
    expect(asked).toContain(`delete node ${NODE} --ignore-not-found --wait=false`);
  });

  it('has nothing to do where the node has left', async () => {
    const node = await aServer();
    await node.shell('rm /run/kube/node.json');

    const { verdict } = await runStep(node, 'leave-cluster', { NodeName: NODE });

    expect(verdict).toMatchObject({ ok: true, node: 'absent' });
    expect((await calls(node, 'kubectl')).join('\n')).not.toMatch(/drain|delete/);
  });

  it('deletes the node although its pods do not leave, and names what held them', async () => {
    const node = await aServer();
    await node.write(
      '/run/kube/drain.fail',
      'error when waiting for pod "x" in namespace "y" to terminate: global timeout reached: 1m0s\n',
    );

    const { verdict } = await runStep(node, 'leave-cluster', { NodeName: NODE });

    expect(verdict).toMatchObject({
      ok: true,
      node: 'deleted',
      drained: false,
      drainFault: expect.stringContaining('global timeout reached'),
    });
  });

  it('takes no time to drain for none at all, not for all the time there is', async () => {
    const node = await aServer();

    const { verdict } = await runStep(node, 'leave-cluster', { NodeName: NODE, DrainSeconds: '0' });

    expect(verdict).toMatchObject({ ok: true, node: 'deleted', drained: false });
    expect((await calls(node, 'kubectl')).join('\n')).not.toContain('drain');
  });

  it('fails where the node cannot be deleted', async () => {
    const node = await aServer();
    await node.write('/run/kube/delete.fail', 'Error from server (Forbidden)\n');

    const { verdict } = await runStep(node, 'leave-cluster', { NodeName: NODE });

    expect(verdict).toMatchObject({ ok: false, reason: `node ${NODE} cannot be deleted` });
    expect(verdict.tail).toContain('Forbidden');
  });

  it('fails soon where the API does not answer', async () => {
    const node = await aServer();
    await node.shell('rm /run/kube/readyz');

    const { verdict } = await runStep(node, 'leave-cluster', { NodeName: NODE });

    expect(verdict.reason).toContain('did not answer within 20 s');
  });
});
