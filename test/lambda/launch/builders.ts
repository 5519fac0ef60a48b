import type { FleetSettings, Worker } from '#contract';
import type { SecretTags } from '#shared/aws/secret-tags.ts';
import type { LaunchPorts } from '../../../lambda/launch/ports.ts';
import { FakeEc2 } from '../../fake/ec2.ts';
import { createSleepingClock } from '../../fake/ec2-clock.ts';
import { createMemoryRegistry, MESH } from '../../fake/memory-registry.ts';
import { aReservation, type ReservationOverrides } from '../../fake/registry-builders.ts';
import { fleetSettings } from '../../support/fleet-settings.ts';
import { silentLog } from '../../support/silent-log.ts';

export const settings = (overrides: Partial<FleetSettings> = {}): FleetSettings => {
  const base = fleetSettings({ mesh: MESH });
  return {
    ...base,
    network: { ...base.network, subnetIds: ['subnet-a', 'subnet-b', 'subnet-c'] },
    roles: { ...base.roles, 'gpu-worker': { ...base.roles['gpu-worker'], instanceTypes: ['g4dn.xlarge'] } },
    limits: { ...base.limits, terminateSeconds: 300 },
    ...overrides,
  };
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
