import type { FleetSettings, Worker } from '#contract';
import type { SecretTags } from '#shared/aws/secret-tags.ts';
import type { Log } from '#shared/logging.ts';
import type { LaunchPorts } from '../../../lambda/launch/ports.ts';
import { FakeEc2 } from '../../fake/ec2.ts';
import { createSleepingClock } from '../../fake/ec2-clock.ts';
import { createMemoryRegistry, MESH } from '../../fake/memory-registry.ts';
import { aReservation, type ReservationOverrides } from '../../fake/registry-builders.ts';

export const settings = (overrides: Partial<FleetSettings> = {}): FleetSettings => ({
  fleet: 'carrierarr',
  region: 'us-west-2',
  mesh: MESH,
  network: {
    vpcCidr: '10.0.0.0/16',
    podCidr: '10.42.0.0/16',
    serviceCidr: '10.43.0.0/16',
    homelabPodCidr: '10.244.0.0/16',
    subnetIds: ['subnet-a', 'subnet-b', 'subnet-c'],
  },
  cluster: {
    name: 'aws-k3s',
    kubeProxyReplacement: true,
    nodeNetwork: 'vpc',
    disable: ['traefik', 'servicelb'],
    gpuTaint: true,
  },
  secretPrefix: 'catalyst-llm',
  controlPlane: '10.100.0.1:50051',
  roles: {
    lighthouse: { instanceTypes: ['t3.medium'], market: 'on-demand', onDemandFallback: false, groups: ['workers'] },
    'gpu-worker': { instanceTypes: ['g4dn.xlarge'], market: 'spot', onDemandFallback: true, groups: ['workers'] },
  },
  limits: {
    ssmOnlineSeconds: 300,
    bootSeconds: 180,
    clusterSeconds: 900,
    terminateSeconds: 300,
    sweepMinimumAgeSeconds: 900,
  },
  ...overrides,
});

export const silentLog: Log = {
  info: () => {},
  warn: () => {},
  error: () => {},
  debug: () => {},
  appendKeys: () => {},
  resetKeys: () => {},
};

/** Remembers which secret was opened for which instance. */
export class FakeSecretBinder implements Pick<SecretTags, 'bind'> {
  readonly bound = new Map<string, string>();
  readonly #errors: Error[] = [];
  failNext(error: Error, times = 1): void {
    for (let n = 0; n < times; n += 1) this.#errors.push(error);
  }
  async bind(secretName: string, instanceArn: string): Promise<void> {
    const error = this.#errors.shift();
    if (error) throw error;
    this.bound.set(secretName, instanceArn);
  }
}

/** A fleet with one reserved worker, ready to be launched. */
export const aLaunch = async (overrides: ReservationOverrides['worker'] = {}) => {
  const clock = createSleepingClock();
  const registry = createMemoryRegistry({ clock });
  const ec2 = new FakeEc2(clock);
  const secrets = new FakeSecretBinder();
  const { row } = await registry.reserve(aReservation('gpu-worker-001', { worker: overrides }));
  const { contract, name, generation, role, address, instanceTypes, market, onDemandFallback, amiId, cluster } = row;
  const worker: Worker = {
    contract,
    name,
    generation,
    role,
    address,
    instanceTypes,
    market,
    onDemandFallback,
    amiId,
    cluster,
  };
  const ports: LaunchPorts = {
    ec2,
    secrets,
    registry,
    clock,
    log: silentLog,
    settings: settings(),
    launchTemplates: { lighthouse: 'lt-lighthouse', 'gpu-worker': 'lt-gpu' },
  };
  const input = { worker, execution: row.owner, redriveCount: 0 };
  return { ports, input, clock, registry, ec2, secrets, worker, life: { name, generation, execution: row.owner } };
};
