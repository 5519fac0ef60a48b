import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { type NodeSandbox, sandboxObstacle } from '../../ssm/node-sandbox.ts';
import { runStep } from '../../ssm/run-step.ts';
import {
  AGENT_NODE,
  aKubeNode,
  anAgent,
  aServer,
  CILIUM,
  JOIN,
  joinToken,
  kubectl,
  SERVER_CONFIG,
  SERVER_MESH_IP,
  SERVER_NODE,
  someWires,
  writeConfig,
} from './support.ts';

const aClusterWithCilium = async () => {
  const wires = await someWires();
  const server = await aServer(wires);
  const { code, verdict } = await runStep(server, 'install-cilium', CILIUM);
  if (code !== 0) throw new Error(JSON.stringify(verdict));
  return { wires, server };
};

const readyOf = async (server: NodeSandbox, name: string): Promise<string> =>
  await server.shell(
    `KUBECONFIG=/etc/rancher/k3s/k3s.yaml kubectl get node ${name} -o json | jq -r '.status.conditions[] | select(.type == "Ready") | .status'`,
  );

const eventually = async (look: () => Promise<boolean>, seconds = 60): Promise<boolean> => {
  for (const end = Date.now() + seconds * 1000; Date.now() < end; ) {
    if (await look()) return true;
    await new Promise((resolve) => {
      setTimeout(resolve, 200);
    });
  }
  return false;
};

describe.skipIf(sandboxObstacle !== undefined).concurrent('a cluster of k3s stand-ins', () => {
  it('is opened by install-cilium, which then has nothing left to do', async () => {
    const wires = await someWires();
    const server = await aServer(wires);
    expect((await readyOf(server, SERVER_NODE)).trim()).toBe('False');

    const first = await runStep(server, 'install-cilium', CILIUM);
    const again = await runStep(server, 'install-cilium', { ...CILIUM, ExecutionId: 'again' });
    const upgraded = await runStep(server, 'install-cilium', { ...CILIUM, ExecutionId: 'third', Mtu: '1300' });

    const pem = await server.read('/var/lib/rancher/k3s/server/tls/server-ca.crt');
    const caHash = createHash('sha256').update(pem).digest('hex');
    expect(first.verdict).toMatchObject({ ok: true, action: 'install', caHash });
    expect(again.verdict).toMatchObject({ ok: true, action: 'none' });
    expect(upgraded.verdict).toMatchObject({ ok: true, action: 'upgrade' });
    expect((await readyOf(server, SERVER_NODE)).trim()).toBe('True');
    expect(await kubectl(server, 'get cm cilium-config -n kube-system -o json')).toContain('"mtu": "1300"');
  });

  it('reads coloured output as well', async () => {
    const wires = await someWires();
    const server = await aServer(wires);
    await server.write('/run/standins/colour', '');

    const { verdict } = await runStep(server, 'install-cilium', CILIUM);
    const again = await runStep(server, 'install-cilium', { ...CILIUM, ExecutionId: 'again' });

    expect(await kubectl(server, 'get ns -o json')).toContain('\u001B[');
    expect(verdict).toMatchObject({ ok: true, action: 'install' });
    expect(again.verdict).toMatchObject({ ok: true, action: 'none' });
  });

  it('shows which pods keep the node from being ready', async () => {
    const wires = await someWires();
    const server = await aServer(wires);
    await server.write('/run/standins/kube/pods-never-ready', 'kube-system/cilium-  ImagePullBackOff no room left\n');

    const { code, verdict } = await runStep(server, 'install-cilium', { ...CILIUM, ReadySeconds: '3' });

    expect(code).not.toBe(0);
    expect(JSON.stringify(verdict)).toContain('ImagePullBackOff');
  });

  it.each([
    ['fail', 'Error: Unable to install Cilium: no space left on device', 'no space left'],
    ['exit', '3', 'cilium install failed'],
  ])('tells when cilium is told to %s', async (kind, text, said) => {
    const wires = await someWires();
    const server = await aServer(wires);
    await server.write(`/run/standins/cilium.install.${kind}`, `${text}\n`);

    const { code, verdict } = await runStep(server, 'install-cilium', { ...CILIUM, ReadySeconds: '2' });

    expect(code).not.toBe(0);
    expect(JSON.stringify(verdict)).toContain(said);
  });

  it('takes in a GPU node whose pods then reach the server, and lets it go', async () => {
    const { wires, server } = await aClusterWithCilium();
    await anAgent(wires, await joinToken(server));

    const joined = await runStep(server, 'join-cluster', JOIN);
    const left = await runStep(server, 'leave-cluster', { NodeName: AGENT_NODE, DrainSeconds: '5' });

    expect(joined.verdict).toMatchObject({ ok: true, node: AGENT_NODE, gpu: '1' });
    expect(left.verdict).toMatchObject({ ok: true });
    expect(await kubectl(server, 'get nodes -o name')).toBe(`node/${SERVER_NODE}\n`);
  });

  it('carries nothing where the network model says so', async () => {
    const { wires, server } = await aClusterWithCilium();
    await anAgent(wires, await joinToken(server));
    await server.write('/run/standins/kube/network.json', '{"mtu": 1200}');

    const { code, verdict } = await runStep(server, 'join-cluster', JOIN);

    expect(code).not.toBe(0);
    expect(JSON.stringify(verdict)).toContain('do not reach pods');
  });

  it.each([
    ['a password that is not the agents’', 'wrong-password', '401 Unauthorized'],
    ['the hash of another CA', undefined, 'does not match the Cluster CA certificate hash'],
  ])('refuses %s', async (_, password, said) => {
    const wires = await someWires();
    const server = await aServer(wires);
    const token =
      password === undefined ? `K10${'0'.repeat(64)}::node:agent-password` : await joinToken(server, password);
    const agent = await anAgent(wires, token);

    const told = await eventually(async () => (await agent.shell('journalctl -u k3s-agent')).includes(said));

    expect(told).toBe(true);
    expect(await kubectl(server, 'get nodes -o name')).not.toContain(AGENT_NODE);
  });

  it('lets an agent wait for a server that is not there yet', async () => {
    const wires = await someWires();
    const agent = await anAgent(wires, 'any');

    const told = await eventually(async () =>
      (await agent.shell('journalctl -u k3s-agent')).includes('connect: no route to host'),
    );

    expect(told).toBe(true);
  });

  it('sees a node as gone when its k3s stops, and as there when it comes back', async () => {
    const { wires, server } = await aClusterWithCilium();
    const agent = await anAgent(wires, await joinToken(server));
    const isReady = async () => (await readyOf(server, AGENT_NODE).catch(() => '')).trim() === 'True';
    expect(await eventually(isReady)).toBe(true);

    await agent.shell('systemctl stop k3s-agent');
    const gone = await eventually(async () => (await readyOf(server, AGENT_NODE)).trim() === 'Unknown');
    await agent.shell('systemctl start --no-block k3s-agent');

    expect(gone).toBe(true);
    expect(await eventually(isReady)).toBe(true);
  });

  it('remembers everything over a restart of its server', async () => {
    const { server } = await aClusterWithCilium();
    const before = await server.shell('cat /var/lib/rancher/k3s/server/token');

    await server.shell('systemctl stop k3s; systemctl start k3s');
    const isUp = () => kubectl(server, 'get ds cilium -n kube-system -o name').then(Boolean, () => false);

    expect(await eventually(isUp)).toBe(true);
    expect(await server.shell('cat /var/lib/rancher/k3s/server/token')).toBe(before);
  });

  it('ends k3s at a setting that v1.31 does not have', async () => {
    const wires = await someWires();
    const server = await aKubeNode(wires, 'lighthouse');
    await writeConfig(server, { ...SERVER_CONFIG, 'node-colour': 'blue' });

    const { code, stderr } = await server.run(['k3s', 'server']);

    expect(code).toBe(1);
    expect(stderr).toContain('level=fatal msg="flag provided but not defined: -node-colour"');
  });
});

describe.skipIf(sandboxObstacle !== undefined).concurrent('the API of a cluster on the mesh', () => {
  const aHomelabPod = async () => {
    const { wires, server } = await aClusterWithCilium();
    await server.write('/run/standins/nebula/device', `${SERVER_MESH_IP}/16 1300\n`);
    const pod = await aKubeNode(wires, 'gpu-worker');
    await pod.write('/run/standins/place', 'homelab-pod\n');
    const kubeconfig = await server.read('/etc/rancher/k3s/k3s.yaml');
    await pod.write('/run/kubeconfig', kubeconfig.replace('127.0.0.1', SERVER_MESH_IP), '0600');
    const ask = () => pod.run(['kubectl', '--kubeconfig', '/run/kubeconfig', 'get', '--raw', '/livez']);
    const byDoor = (url: string) => pod.shell(`kubectl --kubeconfig /run/kubeconfig config set-cluster default ${url}`);
    return { wires, server, pod, ask, byDoor };
  };
  const DOOR = '--proxy-url=http://mesh-door.carrierarr-mesh.svc:3128';

  it('is out of reach for a pod of the homelab, except through the door', async () => {
    const { ask, byDoor } = await aHomelabPod();

    const direct = await ask();
    await byDoor(DOOR);
    const throughDoor = await ask();

    expect(direct.code).toBe(1);
    expect(direct.stderr).toContain('dial tcp 10.100.2.1:6443: connect: no route to host');
    expect(throughDoor).toMatchObject({ code: 0, stdout: 'ok' });
  });

  it('is behind a closed list of ports', async () => {
    const { ask, byDoor } = await aHomelabPod();
    await byDoor(`${DOOR} --server=https://10.100.2.1:22`);

    expect((await ask()).stderr).toContain('Unable to connect to the server: Forbidden');
  });

  it('is gone with the door, with Nebula on the server, and for a name that is not on its certificate', async () => {
    const { wires, server, pod, ask, byDoor } = await aHomelabPod();
    await byDoor(DOOR);

    await pod.shell(`touch ${wires}/door.down`);
    const withoutDoor = await ask();
    await pod.shell(`rm ${wires}/door.down`);
    await server.shell('rm /run/standins/nebula/device');
    const withoutMesh = await ask();
    await server.write('/run/standins/nebula/device', 'x');
    await server.write('/run/standins/kube/tls-sans', '172.31.0.5\n');
    const wrongName = await ask();

    expect(withoutDoor.stderr).toContain('was refused');
    expect(withoutMesh.code).toBe(1);
    expect(wrongName.stderr).toContain('x509: certificate is valid for 172.31.0.5, not 10.100.2.1');
  });
});
