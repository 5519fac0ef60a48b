import { beforeAll, describe, expect, it } from 'vitest';
import { sandboxObstacle } from '../../ssm/node-sandbox.ts';
import { runStep } from '../../ssm/run-step.ts';
import { ClusterWorld } from './cluster-world.ts';
import type { World } from './support.ts';

const KUBELET = '/var/lib/rancher/k3s/agent/kubelet.kubeconfig';
const SERVER = '/etc/rancher/k3s/k3s.yaml';

describe.skipIf(sandboxObstacle !== undefined)('a cluster of a lighthouse and a gpu-worker', () => {
  const world = new ClusterWorld();
  const name = `carrierarr-${world.worker.name}`;
  let lighthouse: World;
  let worker: World;
  let caHash: unknown;
  beforeAll(async () => {
    lighthouse = await world.lighthouse();
  });

  it('gets its network, which is left alone from then on or upgraded', async () => {
    const installed = await world.installCilium(lighthouse);
    const again = await world.installCilium(lighthouse);
    const upgraded = await world.installCilium(lighthouse, { Mtu: '1300' });

    expect(installed.verdict).toMatchObject({
      ok: true,
      action: 'install',
      caHash: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
    expect(again.verdict).toMatchObject({ ok: true, action: 'none' });
    expect(upgraded.verdict).toMatchObject({ ok: true, action: 'upgrade' });
    caHash = installed.verdict.caHash;
  });

  it('is joined, once both halves of the gpu-worker work', async () => {
    worker = await world.gpuWorker(String(caHash));
    await worker.node.shell('touch /run/standins/ollama.everywhere; systemctl restart ollama');
    const open = await runStep(worker.node, 'verify-gpu', { NebulaIp: world.worker.mesh });
    await worker.node.shell('rm /run/standins/ollama.everywhere; systemctl restart ollama');
    const gpu = await runStep(worker.node, 'verify-gpu', { NebulaIp: world.worker.mesh });
    await lighthouse.node.write('/run/standins/kube/network.json', '{"down":["join"]}');
    const cut = await world.joinCluster(lighthouse);
    await lighthouse.node.shell('rm /run/standins/kube/network.json');
    const joined = await world.joinCluster(lighthouse);
    const agent = await runStep(worker.node, 'verify-agent');

    expect(open.verdict.reason).toContain('Ollama answers at 127.0.0.1 too');
    expect(gpu.verdict).toMatchObject({ ok: true, gpu: expect.stringContaining('Tesla T4'), ollama: '0.5.7' });
    expect(cut.verdict.reason).toMatch(
      /^pods on carrierarr-gpu-worker-001 do not reach pods on carrierarr-lighthouse-001/,
    );
    expect(joined.verdict).toMatchObject({ ok: true, node: name, gpu: '1' });
    expect(agent.verdict).toMatchObject({ ok: true });
  });

  it("is emptied by an interrupted gpu-worker with no more than a kubelet's rights", async () => {
    const kube = (line: string) => lighthouse.node.shell(`KUBECONFIG=${SERVER} ${line}`);
    const pod = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'work', namespace: 'default' },
      spec: { nodeName: name, containers: [{ name: 'work', image: 'busybox' }] },
    };
    await kube(`kubectl create -f - <<<'${JSON.stringify(pod)}'`);
    const asKubelet = (line: string) => worker.node.shell(`KUBECONFIG=${KUBELET} ${line} 2>&1 || true`);
    const notice = JSON.stringify({ action: 'terminate', time: '2026-11-22T06:02:00Z' });
    worker.instance.metadata.set('meta-data/spot/instance-action', notice);

    const { stderr } = await worker.node.run(['/usr/local/lib/carrierarr/interruption.sh']);

    expect(stderr).toContain('no pod is left');
    expect(await kube(`kubectl get node ${name} -o json | jq -r .spec.unschedulable`)).toBe('true\n');
    expect(await kube('kubectl get pods -n default --no-headers 2>&1')).toContain('No resources found');
    expect(await asKubelet('k3s kubectl cordon carrierarr-lighthouse-001')).toContain('Forbidden');
    expect(await asKubelet('k3s kubectl get pods -A')).toContain('Forbidden');
    expect(await asKubelet('k3s kubectl get secrets -A')).toContain('Forbidden');
  });

  it('is left', async () => {
    const left = await runStep(lighthouse.node, 'leave-cluster', { NodeName: name });
    const gone = await runStep(lighthouse.node, 'leave-cluster', { NodeName: name, ExecutionId: 'another' });

    expect(left.verdict).toMatchObject({ ok: true, node: 'deleted', drained: true });
    expect(gone.verdict).toMatchObject({ ok: true, node: 'absent' });
  });
});

describe.skipIf(sandboxObstacle !== undefined)('a cluster that does not come up', () => {
  it('says what is wrong with each part of it, and mends', async () => {
    const world = new ClusterWorld();
    const lighthouse = await world.lighthouse();
    await lighthouse.node.write(
      '/run/standins/kube/pods-never-ready',
      'kube-system/cilium ImagePullBackOff quay.io is away\n',
    );

    const stuck = await world.installCilium(lighthouse, { ReadySeconds: '6' });
    await lighthouse.node.shell('rm /run/standins/kube/pods-never-ready; touch /run/standins/colour');
    const mended = await world.installCilium(lighthouse);
    const stranger = await world.gpuWorker('f'.repeat(64));
    await stranger.node.stub('sleep', 'exec /bin/sleep 0.1');
    const refused = await runStep(stranger.node, 'verify-gpu', { NebulaIp: world.worker.mesh });
    const absent = await world.joinCluster(lighthouse, { ReadySeconds: '4' });

    expect(stuck.verdict).toMatchObject({
      ok: false,
      reason: expect.stringContaining('container cilium-agent: ImagePullBackOff'),
    });
    expect(mended.verdict).toMatchObject({ ok: true, action: 'none', caHash: stuck.verdict.caHash });
    expect(refused.verdict.reason).toContain('token CA hash does not match');
    expect(absent.verdict.reason).toContain('there is no such node');
  });
});
