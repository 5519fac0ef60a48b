import { describe, expect, it } from 'vitest';
import { sandboxObstacle } from '../../ssm/node-sandbox.ts';
import { runStep } from '../../ssm/run-step.ts';
import { ClusterWorld } from './cluster-world.ts';

describe.skipIf(sandboxObstacle !== undefined).concurrent('a cluster of a lighthouse and a gpu-worker', () => {
  it('comes up, is joined, is left', async () => {
    const world = new ClusterWorld();
    const lighthouse = await world.lighthouse();

    const installed = await world.installCilium(lighthouse);
    const again = await world.installCilium(lighthouse);
    const upgraded = await world.installCilium(lighthouse, { Mtu: '1300' });
    const worker = await world.gpuWorker(String(installed.verdict.caHash));
    const gpu = await runStep(worker.node, 'verify-gpu', { NebulaIp: world.worker.mesh });
    const joined = await world.joinCluster(lighthouse);
    const agent = await runStep(worker.node, 'verify-agent');
    const left = await runStep(lighthouse.node, 'leave-cluster', { NodeName: `carrierarr-${world.worker.name}` });
    const gone = await runStep(lighthouse.node, 'leave-cluster', {
      NodeName: `carrierarr-${world.worker.name}`,
      ExecutionId: 'another',
    });

    expect(installed.verdict).toMatchObject({
      ok: true,
      action: 'install',
      caHash: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
    expect(again.verdict).toMatchObject({ ok: true, action: 'none' });
    expect(upgraded.verdict).toMatchObject({ ok: true, action: 'upgrade' });
    expect(gpu.verdict).toMatchObject({ ok: true, gpu: expect.stringContaining('Tesla T4'), ollama: '0.5.7' });
    expect(joined.verdict).toMatchObject({ ok: true, node: 'carrierarr-gpu-worker-001', gpu: '1' });
    expect(agent.verdict).toMatchObject({ ok: true });
    expect(left.verdict).toMatchObject({ ok: true, node: 'deleted', drained: true });
    expect(gone.verdict).toMatchObject({ ok: true, node: 'absent' });
  });

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

  it('says which half of a gpu-worker does not work', async () => {
    const world = new ClusterWorld();
    const lighthouse = await world.lighthouse();
    const { verdict } = await world.installCilium(lighthouse);
    const worker = await world.gpuWorker(String(verdict.caHash));

    await lighthouse.node.write('/run/standins/kube/network.json', '{"down":["join"]}');
    const cut = await world.joinCluster(lighthouse);
    await worker.node.shell('touch /run/standins/ollama.everywhere; systemctl restart ollama');
    const open = await runStep(worker.node, 'verify-gpu', { NebulaIp: world.worker.mesh });

    expect(cut.verdict.reason).toMatch(
      /^pods on carrierarr-gpu-worker-001 do not reach pods on carrierarr-lighthouse-001/,
    );
    expect(open.verdict.reason).toContain('Ollama answers at 127.0.0.1 too');
  });
});
