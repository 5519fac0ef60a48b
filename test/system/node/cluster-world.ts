import { mkdtempSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll } from 'vitest';
import type { Role } from '#contract';
import { bundleClusterStandIns } from '../../../local/node/standins/cluster/bundle.ts';
import { network } from '../../lambda/identity/support/authority.ts';
import { AGENT_TOKEN, agentMembers, serverMembers } from '../../ssm/cluster-builders.ts';
import { secretValue } from '../../ssm/fake-instance.ts';
import { anIdentity } from '../../ssm/identity-builders.ts';
import { sandboxObstacle } from '../../ssm/node-sandbox.ts';
import { runStep, type StepOutcome } from '../../ssm/run-step.ts';
import { aNode, type World } from './support.ts';

/** On memory: a node's root is read-only, and what they talk over must be theirs in common. */
const shared = sandboxObstacle === undefined ? mkdtempSync('/dev/shm/carrierarr-') : '';
afterAll(() => rmSync(shared, { recursive: true, force: true }));
const bundles = sandboxObstacle === undefined ? bundleClusterStandIns(join(shared, 'bundles')) : undefined;

const STANDINS = resolve('local/node/standins');
const FOLDERS = ['mesh-less', 'cluster-bin', 'common'].map((name) => `${STANDINS}/${name}`);
const PATH = ['/run/stubs', ...FOLDERS, '/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'];

/** A VPC's worth of nodes that reach each other. */
export class ClusterWorld {
  readonly #wires = mkdtempSync(join(shared, 'w-'));
  readonly server = { name: 'lighthouse-001', mesh: '10.100.2.1', privateIp: '172.31.0.10' };
  readonly worker = { name: 'gpu-worker-001', mesh: '10.100.2.2', privateIp: '172.31.0.11' };

  async #node(role: Role, who: ClusterWorld['server'], members: Record<string, string>): Promise<World> {
    await bundles;
    const { secret } = anIdentity({ name: who.name, networks: [network(`${who.mesh}/16`)] }, who.mesh);
    const environment = {
      PATH: PATH.join(':'),
      STANDIN_NODE: process.execPath,
      STANDIN_CLUSTER: join(shared, 'bundles'),
      STANDIN_WIRES: this.#wires,
    };
    const world = await aNode({ role, environment, hurry: false, secret: [secretValue({ ...secret, ...members })] });
    world.instance.metadata.set('meta-data/tags/instance/carrierarr:worker', who.name);
    world.instance.metadata.set('meta-data/local-ipv4', who.privateIp);
    world.instance.metadata.set('meta-data/instance-type', role === 'lighthouse' ? 't3.medium' : 'g4dn.xlarge');
    return world;
  }

  /** A lighthouse that has booted. */
  async lighthouse(): Promise<World> {
    const world = await this.#node(
      'lighthouse',
      this.server,
      serverMembers({
        'node-name': `carrierarr-${this.server.name}`,
        'node-label': [`carrierarr.io/worker=${this.server.name}`, 'carrierarr.io/role=lighthouse'],
        'flannel-backend': 'none',
        'disable-network-policy': true,
        'disable-kube-proxy': true,
        'cluster-cidr': '10.42.0.0/16',
        'service-cidr': '10.43.0.0/16',
      }),
    );
    await booted(world);
    return world;
  }

  /** A gpu-worker that has booted, with a join token for the cluster of that hash. */
  async gpuWorker(caHash: string): Promise<World> {
    const url = `https://${this.server.privateIp}:6443`;
    const config = {
      'node-name': `carrierarr-${this.worker.name}`,
      'node-label': [`carrierarr.io/worker=${this.worker.name}`, 'carrierarr.io/role=gpu-worker'],
      'node-taint': ['nvidia.com/gpu=present:NoSchedule'],
      server: url,
    };
    const members = { ...agentMembers(config), k3s_url: url, k3s_token: `K10${caHash}::node:${AGENT_TOKEN}` };
    const world = await this.#node('gpu-worker', this.worker, members);
    await booted(world);
    return world;
  }

  installCilium(lighthouse: World, parameters: Readonly<Record<string, string>> = {}): Promise<StepOutcome> {
    return runStep(lighthouse.node, 'install-cilium', {
      Worker: this.server.name,
      ExecutionId: `run-${crypto.randomUUID()}`,
      Version: '1.16.6',
      ClusterName: 'aws-k3s',
      ClusterId: '2',
      ReadySeconds: '60',
      ...parameters,
    });
  }

  /** Says on the server that the worker joined. */
  joinCluster(lighthouse: World, parameters: Readonly<Record<string, string>> = {}): Promise<StepOutcome> {
    return runStep(lighthouse.node, 'join-cluster', {
      ExecutionId: `run-${crypto.randomUUID()}`,
      Worker: this.worker.name,
      NodeName: `carrierarr-${this.worker.name}`,
      Labels: `carrierarr.io/worker=${this.worker.name},carrierarr.io/role=gpu-worker`,
      Taint: 'nvidia.com/gpu=present:NoSchedule',
      ReadySeconds: '60',
      ...parameters,
    });
  }
}

const booted = async ({ boot }: World): Promise<void> => {
  const { code, stderr } = await boot();
  if (code !== 0) throw new Error(`boot failed: ${stderr}`);
};
