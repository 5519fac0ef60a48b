import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll } from 'vitest';
import { bundleClusterStandIns } from '../../../local/node/standins/cluster/bundle.ts';
import { FakeInstance } from '../../ssm/fake-instance.ts';
import { NodeSandbox } from '../../ssm/node-sandbox.ts';

const STANDINS = resolve('local/node/standins');
const OURS = ['mesh-less', 'cluster-bin', 'common'].map((folder) => `${STANDINS}/${folder}`);
const SYSTEM = ['/usr/sbin', '/usr/bin', '/sbin', '/bin'];

export const SERVER_IP = '172.31.0.5';
const AGENT_IP = '172.31.0.9';
export const SERVER_MESH_IP = '10.100.2.1';
export const SERVER_NODE = 'carrierarr-gpu-worker-001';
export const AGENT_NODE = 'carrierarr-gpu-002';

const programs = mkdtempSync(join(tmpdir(), 'programs-'));
const open: (() => Promise<void>)[] = [];
afterAll(async () => {
  for (const close of open.splice(0)) await close();
  rmSync(programs, { recursive: true, force: true });
});

/** A network of nodes without a network: the folder their wires are in. */
export const someWires = async (): Promise<string> => {
  await bundleClusterStandIns(programs);
  // Sandboxes make the machine's root read-only, and with it what is below /tmp.
  const wires = mkdtempSync('/dev/shm/wires-');
  open.push(async () => rmSync(wires, { recursive: true, force: true }));
  return wires;
};

export const aKubeNode = async (wires: string, role: 'lighthouse' | 'gpu-worker'): Promise<NodeSandbox> => {
  const instance = await FakeInstance.start({ role });
  instance.metadata.set('meta-data/local-ipv4', role === 'lighthouse' ? SERVER_IP : AGENT_IP);
  const environment = {
    ...instance.environment,
    PATH: ['/run/stubs', ...OURS, ...SYSTEM].join(':'),
    STANDIN_WIRES: wires,
    STANDIN_NODE: process.execPath,
    STANDIN_CLUSTER: programs,
  };
  const node = await NodeSandbox.start(environment, role);
  open.push(
    () => node.close(),
    () => instance.close(),
  );
  await node.stub('sleep', 'exec /bin/sleep 0.1');
  await node.stub('modprobe', 'exit 0');
  return node;
};

const config = (entries: Readonly<Record<string, unknown>>): string =>
  Object.entries(entries)
    .map(([key, value]) => `${key}: ${JSON.stringify(value)}\n`)
    .join('');

export const SERVER_CONFIG = {
  'node-name': SERVER_NODE,
  'node-ip': SERVER_IP,
  'node-label': ['carrierarr.io/role=lighthouse'],
  'token-file': '/etc/rancher/k3s/token',
  'agent-token-file': '/etc/rancher/k3s/agent-token',
  'advertise-address': SERVER_IP,
  'tls-san': [SERVER_MESH_IP, SERVER_IP],
  'flannel-backend': 'none',
  'disable-network-policy': true,
  'disable-kube-proxy': true,
  disable: ['traefik', 'servicelb'],
  'cluster-cidr': '10.42.0.0/16',
  'service-cidr': '10.43.0.0/16',
  'cluster-dns': '10.43.0.10',
  'write-kubeconfig-mode': '0600',
};

const AGENT_CONFIG = {
  'node-name': AGENT_NODE,
  'node-ip': AGENT_IP,
  'node-label': ['carrierarr.io/role=gpu-worker'],
  'node-taint': ['nvidia.com/gpu=present:NoSchedule'],
  'token-file': '/etc/rancher/k3s/token',
  server: `https://${SERVER_IP}:6443`,
};

export const writeConfig = async (node: NodeSandbox, entries: Readonly<Record<string, unknown>>): Promise<void> => {
  await node.write('/etc/rancher/k3s/config.yaml', config(entries), '0600');
};

/** A lighthouse with k3s running, and no network for its pods yet. */
export const aServer = async (wires: string): Promise<NodeSandbox> => {
  const node = await aKubeNode(wires, 'lighthouse');
  await node.write('/etc/rancher/k3s/token', 'server-password\n', '0600');
  await node.write('/etc/rancher/k3s/agent-token', 'agent-password\n', '0600');
  await writeConfig(node, SERVER_CONFIG);
  await node.shell('systemctl start --no-block k3s');
  await node.until('kubectl --kubeconfig /etc/rancher/k3s/k3s.yaml get --raw /readyz >/dev/null 2>&1');
  return node;
};

export const joinToken = async (server: NodeSandbox, password = 'agent-password'): Promise<string> => {
  const hash = await server.shell('sha256sum /var/lib/rancher/k3s/server/tls/server-ca.crt | cut -d " " -f 1');
  return `K10${hash.trim()}::node:${password}`;
};

/** A GPU node with a token that need not be right. */
export const anAgent = async (wires: string, token: string): Promise<NodeSandbox> => {
  const node = await aKubeNode(wires, 'gpu-worker');
  await node.write('/run/standins/gpus', '1\n');
  await node.write('/etc/rancher/k3s/token', `${token}\n`, '0600');
  await writeConfig(node, AGENT_CONFIG);
  await node.shell('systemctl start --no-block k3s-agent');
  return node;
};

/** kubectl on the server. */
export const kubectl = (node: NodeSandbox, line: string): Promise<string> =>
  node.shell(`KUBECONFIG=/etc/rancher/k3s/k3s.yaml kubectl ${line}`);

export const CILIUM = { Version: '1.16.6', ClusterName: 'aws-k3s', ClusterId: '2', ReadySeconds: '10' };
export const JOIN = {
  NodeName: AGENT_NODE,
  Labels: 'carrierarr.io/role=gpu-worker,tier=burst',
  Taint: 'nvidia.com/gpu=present:NoSchedule',
  ReadySeconds: '10',
};
