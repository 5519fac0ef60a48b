import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { agentMembers } from '../../ssm/cluster-builders.ts';
import { PRIVATE_IP, secretValue } from '../../ssm/fake-instance.ts';
import { ADDRESS, anIdentity } from '../../ssm/identity-builders.ts';
import { type NodeSandbox, sandboxObstacle } from '../../ssm/node-sandbox.ts';
import { runStep } from '../../ssm/run-step.ts';
import { aNode } from './support.ts';

const CONTAINERD = '/var/lib/rancher/k3s/agent/etc/containerd/config.toml';
const GPU = 'Tesla T4, 550.163.01, 15360 MiB';

/** Answers of the addresses on which Ollama listens; the metadata of the instance is nobody else's business. */
const curl = (listens: readonly string[]) => `
for word in "$@"; do case $word in
${listens.map((address) => `  http://${address}:11434/*) printf '{"version":"0.5.7"}'; exit ;;`).join('\n')}
  http://*:11434/*) echo "curl: (7) Failed to connect" >&2; exit 7 ;;
esac; done
exec /usr/bin/curl "$@"`;

/** A gpu-worker that runs everything it should. */
const aWorker = async () => {
  const world = await aNode({ secret: [secretValue({ ...anIdentity().secret, ...agentMembers() })] });
  const { node } = world;
  for (const program of ['k3s', 'ollama', 'worker-agent']) await node.stub(program, 'exec /bin/sleep infinity');
  const { code, stderr } = await world.boot();
  if (code !== 0) throw new Error(stderr);
  // Requested and not waited for.
  for (const unit of ['k3s-agent', 'ollama', 'worker-agent']) await node.until(`systemctl is-active --quiet ${unit}`);
  await node.hasten();
  return node;
};

const verify = { NebulaIp: ADDRESS };

describe.skipIf(sandboxObstacle !== undefined)('a gpu-worker', () => {
  let node: NodeSandbox;
  beforeAll(async () => {
    node = await aWorker();
  });
  /** All is well, whatever the test before has changed. */
  beforeEach(async () => {
    await node.stub('nvidia-smi', `printf '\\033[32m${GPU}\\033[0m\\n'`);
    await node.stub('curl', curl([ADDRESS]));
    await node.write(CONTAINERD, '[plugins]\nBinaryName = "/usr/bin/nvidia-container-runtime"\n');
    await node.write('/run/standins/journal/ollama.service', '');
  });

  it('verify-gpu names GPU, runtime and Ollama', async () => {
    const { code, verdict } = await runStep(node, 'verify-gpu', verify);

    expect(verdict).toMatchObject({ ok: true, gpu: GPU, gpus: 1, runtime: 'nvidia', ollama: '0.5.7' });
    expect(code).toBe(0);
  });

  it('verify-gpu leaves out driver and runtime where no GPU is required', async () => {
    await node.stub('nvidia-smi', 'exit 9');
    await node.shell(`rm ${CONTAINERD}`);

    const { verdict } = await runStep(node, 'verify-gpu', { ...verify, Gpu: 'none' });

    expect(verdict).toMatchObject({ ok: true, ollama: '0.5.7' });
  });

  it('verify-gpu says what nvidia-smi says', async () => {
    const says = "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver.";
    await node.stub('nvidia-smi', `echo "${says}"; exit 9`);

    const { verdict } = await runStep(node, 'verify-gpu', verify);

    expect(verdict).toMatchObject({ ok: false, reason: `nvidia-smi failed: ${says}` });
  });

  it('verify-gpu fails where there is no GPU to see', async () => {
    await node.stub('nvidia-smi', 'exit 0');

    const { verdict } = await runStep(node, 'verify-gpu', verify);

    expect(verdict.reason).toBe('nvidia-smi sees no GPU');
  });

  it('verify-gpu fails where k3s has not found the runtime', async () => {
    await node.write(CONTAINERD, '[plugins]\n');

    const { verdict } = await runStep(node, 'verify-gpu', verify);

    expect(verdict.reason).toContain('k3s does not know the NVIDIA runtime');
  });

  it('verify-gpu fails where Ollama does not answer in the mesh', async () => {
    await node.stub('curl', curl([PRIVATE_IP]));

    const { verdict } = await runStep(node, 'verify-gpu', verify);

    expect(verdict.reason).toBe(`Ollama does not answer at http://${ADDRESS}:11434/api/version`);
  });

  it.each([
    ['CUDA', { ok: true, ollamaComputesOn: 'cuda' }],
    ['cpu', { ok: false, reason: expect.stringContaining('Ollama found no GPU when it started') }],
  ])('verify-gpu knows of an Ollama that computes on %s', async (library, wanted) => {
    const line = `time=2026-11-22T00:00:00Z level=INFO msg="inference compute" id=0 library=${library} compute=7.5`;
    await node.write('/run/standins/journal/ollama.service', `msg="Listening"\n${line}\n[GIN] GET /api/version\n`);

    const { verdict } = await runStep(node, 'verify-gpu', verify);

    expect(verdict).toMatchObject(wanted);
  });

  it.each([PRIVATE_IP, '127.0.0.1'])('verify-gpu fails where Ollama answers at %s too', async (address) => {
    await node.stub('curl', curl([ADDRESS, address]));

    const { verdict } = await runStep(node, 'verify-gpu', verify);

    expect(verdict).toMatchObject({ ok: false, reason: expect.stringContaining(`Ollama answers at ${address} too`) });
  });
  it('verify-agent passes where the agent runs and stays', async () => {
    const { verdict } = await runStep(node, 'verify-agent');

    expect(verdict).toMatchObject({ ok: true, agent: 'active' });
  });

  it("node-status reports the services of the role's image", async () => {
    const { verdict } = await runStep(node, 'node-status');

    expect(verdict.services).toEqual({
      'carrierarr-boot': 'inactive',
      nebula: 'active',
      'k3s-agent': 'active',
      ollama: 'active',
      'worker-agent': 'active',
    });
  });

  it('verify-gpu gives the last words of a k3s-agent that does not run', async () => {
    await node.shell('systemctl stop k3s-agent');
    await node.write('/run/standins/journal/k3s-agent.service', 'level=fatal msg="token CA hash does not match"\n');

    const { verdict } = await runStep(node, 'verify-gpu', verify);
    await node.shell('systemctl start k3s-agent');

    expect(verdict.reason).toBe('k3s-agent is inactive: level=fatal msg="token CA hash does not match"');
  });

  it('verify-agent gives the last words of an agent that does not run', async () => {
    await node.shell('systemctl stop worker-agent');
    await node.write('/run/standins/journal/worker-agent.service', 'connecting\n\x1b[31mno route to host\x1b[0m\n');

    const { code, verdict } = await runStep(node, 'verify-agent');

    expect(code).toBe(1);
    expect(verdict.reason).toBe('worker-agent is inactive: no route to host');
    expect(verdict.tail).toContain('connecting');
  });

  it('verify-agent fails where the agent dies again and again', async () => {
    await node.stub('worker-agent', 'echo "panic: x"; exit 2');
    await node.shell('systemctl restart --no-block worker-agent');
    await node.stub('sleep', 'exec /bin/sleep 0.3');

    const { verdict } = await runStep(node, 'verify-agent');

    expect(verdict.ok).toBe(false);
    expect(verdict.tail).toContain('panic: x');
  });
});

describe.skipIf(sandboxObstacle !== undefined)('an image without an agent', () => {
  it('is said to have no agent', async () => {
    const { node } = await aNode();

    const { verdict } = await runStep(node, 'verify-agent');

    expect(verdict.reason).toMatch(/^the image has no worker-agent: .*agent\.verify to false$/);
  });
});
