import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll } from 'vitest';
import { bundleClusterStandIns } from '../../../local/node/standins/cluster/bundle.ts';
import { CREDENTIALS, FakeInstance } from '../../ssm/fake-instance.ts';
import { NodeSandbox, type Outcome } from '../../ssm/node-sandbox.ts';
import { runStep, type StepOutcome } from '../../ssm/run-step.ts';
import { Api } from './api.ts';
import { settled } from './settled.ts';

const STANDINS = resolve('local/node/standins');
const PATH = ['/run/stubs', ...['mesh-less', 'cluster-bin', 'common'].map((folder) => `${STANDINS}/${folder}`)];
const SYSTEM = ['/usr/sbin', '/usr/bin', '/sbin', '/bin'];

export const PROVIDER = 'aws-k3s';
export const CONSUMER = 'catalyst-homelab';
export const PROVIDER_URL = 'https://10.100.2.1:6443';
export const DOOR = 'http://mesh-door.carrierarr-mesh.svc:3128';
export const SECRET = 'catalyst-llm/handover-burst-peering';

/** Parameters of the steps as the machines give them. */
export const INSTALL = {
  aws: {
    Version: 'v1.2.0',
    ClusterId: PROVIDER,
    ApiServerUrl: PROVIDER_URL,
    PodCidr: '10.42.0.0/16',
    ServiceCidr: '10.43.0.0/16',
    ReservedSubnets: '10.100.0.0/16,172.31.0.0/16,192.168.1.0/24',
  },
  home: {
    Version: 'v1.2.0',
    ClusterId: CONSUMER,
    PodCidr: '10.244.0.0/16',
    ServiceCidr: '10.96.0.0/12',
    ReservedSubnets: '10.100.0.0/16,172.31.0.0/16,192.168.1.0/24',
  },
};
export const USER = { ConsumerClusterId: CONSUMER, SecretId: SECRET };
export const PEER = {
  ProviderClusterId: PROVIDER,
  SecretId: SECRET,
  ProviderUrl: PROVIDER_URL,
  ProxyUrl: DOOR,
  GatewayAddress: '203.0.113.10',
  Resources: 'nvidia.com/gpu=1',
};
export const UNPEER = { ProviderClusterId: PROVIDER, SecretId: SECRET, ProviderUrl: PROVIDER_URL, ProxyUrl: DOOR };

const kubeconfig = (server: string): string =>
  JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'here',
    clusters: [{ name: 'here', cluster: { server } }],
    users: [{ name: 'here', user: {} }],
    contexts: [{ name: 'here', context: { cluster: 'here', user: 'here' } }],
  });

/** A node that steps run on. */
export class Side {
  readonly node: NodeSandbox;
  readonly api: Api;
  #runs = 0;

  constructor(node: NodeSandbox, api: Api) {
    this.node = node;
    this.api = api;
  }

  /** Each run is one of another execution, so none is answered out of the marker of an earlier one. */
  step(...[step, parameters = {}]: [Parameters<typeof runStep>[1], Record<string, string>?]): Promise<StepOutcome> {
    this.#runs += 1;
    return runStep(this.node, step, { ExecutionId: `burst-${this.#runs}`, Worker: 'burst', ...parameters });
  }

  /**
   * The first answer of kubectl that says this is its answer to the same question from then on, without another start:
   * for what is asked again and again while nothing changes any more.
   */
  async settle(question: string, answer = '.'): Promise<void> {
    await this.node.stub('kubectl', settled(`${STANDINS}/cluster-bin/kubectl`, question, answer));
  }

  async unsettle(): Promise<void> {
    await this.node.shell('rm -f /run/stubs/kubectl /run/settled.*');
  }

  async knob(name: string, text = ''): Promise<void> {
    await this.node.write(`/run/standins/${name}`, text);
  }

  async forget(name: string): Promise<void> {
    await this.node.shell(`rm -f /run/standins/${name}`);
  }

  run(...command: string[]): Promise<Outcome> {
    return this.node.run(command);
  }

  async get(...words: string[]): Promise<unknown> {
    const { stdout, stderr, code } = await this.node.run(['kubectl', 'get', ...words, '-o', 'json']);
    if (code !== 0) throw new Error(`kubectl get ${words.join(' ')}: exit code ${code}: ${stderr}`);
    return stdout === '' ? undefined : JSON.parse(stdout);
  }

  /** Names of what is there. */
  async names(...words: string[]): Promise<string[]> {
    const list = await this.get(...words);
    const named = (list as { items?: { metadata: { name: string } }[] } | undefined)?.items;
    if (named === undefined) throw new Error(`kubectl get ${words.join(' ')} printed no list: ${JSON.stringify(list)}`);
    return named.map(({ metadata }) => metadata.name);
  }

  async apply(object: unknown): Promise<void> {
    await this.node.shell('kubectl apply -f - >/dev/null', JSON.stringify(object));
  }

  /** How often `liqoctl` was started with these words first. */
  async calls(): Promise<string[]> {
    return (await this.recorded()).split('\n').filter(Boolean);
  }

  recorded(): Promise<string> {
    return this.node.shell('cat /run/calls 2>/dev/null || true');
  }

  /** Everything a reader of this node could see of a step: logs, results, arguments of what was started. */
  async seen(): Promise<string> {
    return await this.node.shell('cat /run/calls /var/log/carrierarr/* /run/carrierarr/steps/* 2>/dev/null || true');
  }
}

export interface Clusters {
  readonly aws: Side;
  readonly home: Side;
  readonly cloud: FakeInstance;
  /** The folder of the wires, where the door can be shut. */
  readonly wires: string;
}

/** Takes what ends a world once its test is over: worlds that stand idle cost the others their time. */
export type AtEnd = (close: () => Promise<void>) => void;

const programs = mkdtempSync(join(tmpdir(), 'carrierarr-programs-'));
const bundled = bundleClusterStandIns(programs);
const open: (() => Promise<void>)[] = [];
afterAll(async () => {
  for (const close of open.splice(0)) await close();
  rmSync(programs, { recursive: true, force: true });
});
const atFileEnd: AtEnd = (close) => void open.unshift(close);

interface SideOptions {
  readonly environment: Record<string, string>;
  readonly api: Api;
  readonly place: 'node' | 'homelab-pod';
  readonly server: string;
  readonly atEnd: AtEnd;
}

const side = async ({ environment, api, place, server, atEnd }: SideOptions): Promise<Side> => {
  const node = await NodeSandbox.start({ ...environment, KUBECONFIG: '/run/kubeconfig' }, 'lighthouse');
  atEnd(() => node.close());
  await node.write('/run/standins/place', place);
  if (place === 'node') await node.write('/run/standins/nebula/device', '10.100.2.1/16 1300\n');
  await node.write('/run/kubeconfig', kubeconfig(server), '0600');
  await node.stub('sleep', 'exec /bin/sleep 0.05');
  const recorder = `printf '%s ' "$@" >>/run/calls; echo >>/run/calls\nexec ${STANDINS}/cluster-bin/liqoctl "$@"`;
  await node.stub('liqoctl', recorder);
  await api.start();
  atEnd(() => api.stop());
  return new Side(node, api);
};

const credentials = `[default]
aws_access_key_id = ${CREDENTIALS.AccessKeyId}
aws_secret_access_key=${CREDENTIALS.SecretAccessKey}
aws_session_token = ${CREDENTIALS.Token}

[other]
aws_access_key_id = AKIAOTHER
`;

/** A cluster on EC2 and one in a homelab, whose pods reach the mesh by the door only; Liqo nowhere yet. */
export const twoClusters = async (atEnd: AtEnd = atFileEnd, from?: Snapshot): Promise<Clusters> => {
  await bundled;
  const wires = mkdtempSync(join(tmpdir(), 'wires-'));
  const folder = mkdtempSync(join(tmpdir(), 'carrierarr-apis-'));
  atEnd(async () => {
    for (const each of [wires, folder]) rmSync(each, { recursive: true, force: true });
  });
  const cloud = await FakeInstance.start();
  atEnd(() => cloud.close());
  const { AWS_ENDPOINT_URL, CARRIERARR_IMDS } = cloud.environment as Record<string, string>;
  const common = {
    PATH: [...PATH, ...SYSTEM].join(':'),
    STANDIN_WIRES: wires,
    STANDIN_NODE: process.execPath,
    STANDIN_CLUSTER: programs,
    AWS_ENDPOINT_URL: AWS_ENDPOINT_URL ?? '',
  };
  const k3s = new Api(join(folder, 'aws'), wires, programs, 'k3s', ['172.31.0.11:6443', '10.100.2.1:6443']);
  const talos = new Api(join(folder, 'home'), wires, programs, 'talos', ['10.96.0.1:443']);
  const onInstance = { ...common, CARRIERARR_IMDS: CARRIERARR_IMDS ?? '' };
  if (from !== undefined) {
    k3s.keep(from.objects[0]);
    talos.keep(from.objects[1]);
    cloud.written.push(...from.written);
  }
  const atHome = { ...common, AWS_SHARED_CREDENTIALS_FILE: '/run/aws/credentials', AWS_REGION: 'us-west-2' };
  const [aws, home] = await Promise.all([
    side({ environment: onInstance, api: k3s, place: 'node', server: 'https://172.31.0.11:6443', atEnd }),
    side({ environment: atHome, api: talos, place: 'homelab-pod', server: 'https://10.96.0.1:443', atEnd }),
  ]);
  await home.node.write('/run/aws/credentials', credentials, '0600');
  if (from !== undefined) {
    await Promise.all([aws, home].map((each, at) => each.node.write('/run/calls', from.calls[at] ?? '')));
    return { aws, home, cloud, wires };
  }
  await aws.apply({
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name: 'carrierarr-burst' },
    status: { addresses: [{ type: 'InternalIP', address: '172.31.0.11' }] },
  });
  return { aws, home, cloud, wires };
};

/** What a world is made from again: objects of both clusters, what the cloud keeps, what was called on the nodes. */
interface Snapshot {
  readonly objects: readonly [aws: string, home: string];
  readonly calls: readonly [aws: string, home: string];
  readonly written: FakeInstance['written'];
}

type Prepare = (atEnd: AtEnd) => Promise<Clusters>;

const take = async ({ aws, home, cloud }: Clusters): Promise<Snapshot> => {
  // What was written last is on the disk once the servers have ended.
  await Promise.all([aws.api.end(), home.api.end()]);
  const snapshot: Snapshot = {
    objects: [aws.api.objects(), home.api.objects()],
    calls: [await aws.recorded(), await home.recorded()],
    written: [...cloud.written],
  };
  await Promise.all([aws.api.start(), home.api.start()]);
  return snapshot;
};

const snapshots = new Map<string, Promise<Snapshot>>();

/** A world of a test's own, prepared once a file: installing Liqo twice takes longer than most of what is tested. */
const prepared = async (atEnd: AtEnd, key: string, prepare: Prepare): Promise<Clusters> => {
  const snapshot = snapshots.get(key);
  if (snapshot !== undefined) return await twoClusters(atEnd, await snapshot);
  const first = prepare(atEnd);
  const taken = first.then(take);
  snapshots.set(key, taken);
  await taken;
  return await first;
};

const expectSuccess = ({ code, verdict }: StepOutcome): void => {
  if (code !== 0) throw new Error(JSON.stringify(verdict));
};

/** Both with Liqo. */
export const twoLiqos = (atEnd: AtEnd = atFileEnd): Promise<Clusters> =>
  prepared(atEnd, 'liqo', async (end) => {
    const clusters = await twoClusters(end);
    const installed = await Promise.all([
      clusters.aws.step('install-liqo', INSTALL.aws),
      clusters.home.step('homelab-install-liqo', INSTALL.home),
    ]);
    for (const outcome of installed) expectSuccess(outcome);
    return clusters;
  });

/** Both with Liqo, and a credential on its way. */
export const readyToPeer = (atEnd: AtEnd = atFileEnd): Promise<Clusters> =>
  prepared(atEnd, 'ready', async (end) => {
    const clusters = await twoLiqos(end);
    expectSuccess(await clusters.aws.step('make-peering-user', USER));
    return clusters;
  });

/** Peered: the homelab consumes. */
export const peered = (parameters: Record<string, string> = {}, atEnd: AtEnd = atFileEnd): Promise<Clusters> =>
  prepared(atEnd, `peered ${JSON.stringify(parameters)}`, async (end) => {
    const clusters = await readyToPeer(end);
    expectSuccess(await clusters.home.step('homelab-peer', { ...PEER, ...parameters }));
    return clusters;
  });
