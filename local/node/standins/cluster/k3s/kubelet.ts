import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { type KubeClient, KubeError } from '../client/kube-client.ts';
import type { KubeObject } from '../object.ts';
import type { Settings } from './settings.ts';

/** The k3s that is played. */
export const VERSION = 'v1.31.2+k3s1';

/** How often a node says that it lives; the real one every ten seconds. */
const HEARTBEAT_MS = 1000;

const gpuCount = (): number => {
  const { status, stdout } = spawnSync('nvidia-smi', ['-L'], { encoding: 'utf8', timeout: 5000 });
  return status === 0 ? stdout.split('\n').filter((line) => line.startsWith('GPU ')).length : 0;
};

const pairs = (list: readonly string[]): Record<string, string> =>
  Object.fromEntries(
    list.map((pair): [string, string] => {
      const [key = '', ...value] = pair.split('=');
      return [key, value.join('=')];
    }),
  );

const taintOf = (text: string): Record<string, string> => {
  const [pair = '', effect = ''] = text.split(':');
  const [key = '', value = ''] = pair.split('=');
  return { key, value, effect };
};

const nodeOf = (settings: Settings, gpus: number): KubeObject => {
  const name = settings.nodeName;
  const memory = `${Math.floor(totalmem() / 1024)}Ki`;
  const resources = {
    cpu: String(cpus().length),
    memory,
    pods: '110',
    ...(gpus > 0 ? { 'nvidia.com/gpu': String(gpus) } : {}),
  };
  const taints = settings.list('node-taint').map(taintOf);
  const isServer = settings.role === 'server';
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: {
      name,
      labels: {
        'kubernetes.io/hostname': name,
        'kubernetes.io/os': 'linux',
        'kubernetes.io/arch': 'amd64',
        'node.kubernetes.io/instance-type': 'k3s',
        ...(isServer
          ? { 'node-role.kubernetes.io/control-plane': 'true', 'node-role.kubernetes.io/master': 'true' }
          : {}),
        ...pairs(settings.list('node-label')),
      },
    },
    spec: { providerID: `k3s://${name}`, ...(taints.length > 0 ? { taints } : {}) },
    status: {
      addresses: [
        { type: 'InternalIP', address: settings.get('node-ip', '127.0.0.1') },
        { type: 'Hostname', address: name },
      ],
      capacity: resources,
      allocatable: resources,
      nodeInfo: {
        kubeletVersion: VERSION,
        osImage: 'Amazon Linux 2023',
        containerRuntimeVersion: 'containerd://1.7.22-k3s1',
      },
    },
  };
};

/** k3s looks for NVIDIA's runtime when it starts, and only then. */
const writeContainerd = (settings: Settings, hasGpu: boolean): void => {
  const folder = join(settings.dataDir, 'agent/etc/containerd');
  mkdirSync(folder, { recursive: true });
  const nvidia = [
    "[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.'nvidia']",
    '  runtime_type = "io.containerd.runc.v2"',
    "[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.'nvidia'.options]",
    '  BinaryName = "/usr/bin/nvidia-container-runtime"',
  ];
  writeFileSync(join(folder, 'config.toml'), ['version = 3', ...(hasGpu ? nvidia : []), ''].join('\n'));
};

const leaseOf = (name: string, renewTime: string): KubeObject => ({
  apiVersion: 'coordination.k8s.io/v1',
  kind: 'Lease',
  metadata: { name, namespace: 'kube-node-lease' },
  spec: { holderIdentity: name, leaseDurationSeconds: 40, renewTime },
});

/** A node's kubelet: registers once, then says every second that it is there. */
export class Kubelet {
  readonly #client: KubeClient;
  readonly #settings: Settings;
  #timer: NodeJS.Timeout | undefined;

  constructor(client: KubeClient, settings: Settings) {
    this.#client = client;
    this.#settings = settings;
  }

  /** Labels and taints count only at the first registration, as in k3s. */
  async start(): Promise<void> {
    const gpus = gpuCount();
    writeContainerd(this.#settings, gpus > 0);
    await this.#beat(new Date());
    const node = nodeOf(this.#settings, gpus);
    try {
      await this.#client.create(node);
    } catch (error) {
      if (!(error instanceof KubeError) || error.reason !== 'AlreadyExists') throw error;
      await this.#client.patch({ resource: 'nodes', name: node.metadata.name }, { status: node.status });
    }
    this.#timer = setInterval(() => {
      // A server that is away for a moment is met again at the next beat.
      this.#beat(new Date()).catch(() => undefined);
    }, HEARTBEAT_MS);
  }

  /** A kubelet that ends in order; one that is killed falls silent. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#beat(new Date(0)).catch(() => undefined);
  }

  async #beat(time: Date): Promise<void> {
    await this.#client.apply(leaseOf(this.#settings.nodeName, time.toISOString()));
  }
}
