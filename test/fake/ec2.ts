import { createHash } from 'node:crypto';
import type {
  Ec2,
  FleetAnswer,
  FleetError,
  FleetRequest,
  Image,
  Instance,
  InstanceFilter,
  InstanceState,
  Pool,
} from '../../lambda/shared/aws/ec2-port.ts';
import type { Clock } from '../../lambda/shared/clock.ts';
import type { Market } from '../../lambda/shared/contract/index.ts';
import { NotYetConsistentError } from '../../lambda/shared/errors.ts';
import { hasTags, matches, type StoredInstance } from './ec2-filter.ts';

export const ACCOUNT = '111122223333';
export const REGION = 'us-west-2';
const PENDING_MS = 5_000;
const PUBLIC_ADDRESS_MS = 2_000;
const FORGOTTEN_MS = 3_600_000;

type Action = keyof Ec2;

/**
 * EC2 in memory, with what makes it hard: pools without capacity by market, quotas, three pools a call, client tokens,
 * answers that get lost, instances that `describe` does not show yet, and time that instances take to end.
 */
export class FakeEc2 implements Ec2 {
  readonly #clock: Clock;
  readonly #records = new Map<string, StoredInstance>();
  readonly #answers = new Map<string, { parameters: string; answer: FleetAnswer }>();
  readonly #faults: { action: Action; error: Error; after: boolean }[] = [];
  #serial = 0;

  /** Zone by subnet. */
  subnetZones: Record<string, string> = {
    'subnet-a': 'us-west-2a',
    'subnet-b': 'us-west-2b',
    'subnet-c': 'us-west-2c',
  };
  /** Zones by type; types that are not named are offered in every zone. */
  offered: Record<string, string[]> = {};
  /** Error code by `market type/zone`; type and zone may be stars, `*` alone stands for everything. */
  refusals: Record<string, string> = {};
  /** Instances the account may have per market. */
  quota: Record<Market, number> = { spot: Number.POSITIVE_INFINITY, 'on-demand': Number.POSITIVE_INFINITY };
  /** How long a new instance stays invisible to every read. */
  blindMs = 0;
  terminationMs = 60_000;
  images = new Map<string, Image & { snapshots: string[] }>();
  publicAddresses = true;
  /** Runs after a fleet has launched and before its answer leaves: what others do in that moment. */
  beforeAnswer: (instanceIds: readonly string[]) => Promise<void> = async () => {};

  readonly fleetRequests: FleetRequest[] = [];
  readonly cancelledSpotRequests: string[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The next call of this action fails; it takes effect all the same when `after` is set. */
  failNext(action: Action, error: Error, options: { times?: number; after?: boolean } = {}): void {
    for (let n = 0; n < (options.times ?? 1); n += 1)
      this.#faults.push({ action, error, after: options.after ?? false });
  }

  /** Everything EC2 still knows, whether shown yet or not. */
  all(): Instance[] {
    return [...this.#records.values()].map((record) => this.#view(record));
  }
  alive(): Instance[] {
    return this.all().filter((instance) => !['terminated', 'shutting-down'].includes(instance.state));
  }

  /** Puts an instance there as if somebody had launched it. */
  plant(overrides: Partial<Omit<Instance, 'state'>> & { tags: Record<string, string> }): string {
    return this.#launch(
      'on-demand',
      { instanceType: 'g4dn.xlarge', availabilityZone: 'us-west-2a', subnetId: 'subnet-a' },
      overrides,
    );
  }
  stop(instanceId: string): void {
    this.#record(instanceId).stopped = true;
  }
  /** Spot takes it back, or it ended by itself. */
  end(instanceId: string, reason: string): void {
    const record = this.#record(instanceId);
    record.endedAt = this.#clock.now().getTime();
    record.endReason = reason;
  }
  /** A disk that outlives its instance. */
  plantVolume(instanceId: string, tags: Readonly<Record<string, string>>): void {
    this.#record(instanceId).volumes.push({ volumeId: this.#id('vol'), tags, deleted: false });
  }

  offerings = (types: readonly string[]) =>
    this.#call('offerings', () =>
      types.flatMap((instanceType) =>
        (this.offered[instanceType] ?? Object.values(this.subnetZones)).map((availabilityZone) => ({
          instanceType,
          availabilityZone,
        })),
      ),
    );

  subnets = (ids: readonly string[]) =>
    this.#call('subnets', () =>
      ids.flatMap((subnetId) => {
        const availabilityZone = this.subnetZones[subnetId];
        return availabilityZone === undefined ? [] : [{ subnetId, availabilityZone }];
      }),
    );

  createFleet = (request: FleetRequest) =>
    this.#call('createFleet', async () => {
      this.fleetRequests.push(request);
      const { clientToken, ...rest } = request;
      const parameters = createHash('sha256').update(JSON.stringify(rest)).digest('hex');
      const earlier = this.#answers.get(clientToken);
      if (earlier?.parameters === parameters) return earlier.answer;
      const answer = earlier
        ? { instanceIds: [], errors: [{ code: 'IdempotentParameterMismatch', message: 'token used' }] }
        : this.#fleet(request);
      this.#answers.set(clientToken, earlier ?? { parameters, answer });
      await this.beforeAnswer(answer.instanceIds);
      return answer;
    });

  instances = (filter: InstanceFilter) =>
    this.#call('instances', () => this.#visible().filter((instance) => matches(instance, filter)));

  terminate = (ids: readonly string[]) =>
    this.#call('terminate', () => {
      const known = new Set(this.#visible().map((instance) => instance.instanceId));
      const unknown = ids.filter((id) => !known.has(id));
      if (unknown.length > 0) {
        throw new NotYetConsistentError({ what: 'EC2 does not know it', got: unknown.join(', '), remedy: 'again' });
      }
      for (const id of ids) this.#record(id).endedAt ??= this.#clock.now().getTime();
    });

  volumes = (tags: Readonly<Record<string, string>>) =>
    this.#call('volumes', () =>
      [...this.#records.values()].flatMap((record) =>
        record.volumes
          .filter((volume) => !volume.deleted && hasTags(volume.tags, tags))
          .filter((volume) => volume.tags !== record.tags || this.#view(record).state !== 'terminated')
          .map(({ volumeId, tags: own }) => ({ volumeId, state: 'in-use', tags: own })),
      ),
    );

  interfacesOf = (ids: readonly string[]) =>
    this.#call('interfacesOf', () =>
      this.#visible()
        .filter(({ instanceId, state }) => ids.includes(instanceId) && state !== 'terminated')
        .map(({ instanceId }) => ({ interfaceId: instanceId.replace('i-', 'eni-'), instanceId })),
    );

  spotRequestsOf = (ids: readonly string[]) =>
    this.#call('spotRequestsOf', () =>
      this.all()
        .filter(({ instanceId, spotRequestId }) => ids.includes(instanceId) && spotRequestId !== '')
        .map(({ spotRequestId: requestId, state }) => ({
          requestId,
          state: this.cancelledSpotRequests.includes(requestId)
            ? 'cancelled'
            : state === 'terminated'
              ? 'closed'
              : 'active',
        })),
    );

  cancelSpotRequests = (ids: readonly string[]) =>
    this.#call('cancelSpotRequests', () => void this.cancelledSpotRequests.push(...ids));

  image = (imageId: string) => this.#call('image', () => this.images.get(imageId));

  deregisterImage = (imageId: string) =>
    this.#call('deregisterImage', () => {
      const snapshots = this.images.get(imageId)?.snapshots ?? [];
      this.images.delete(imageId);
      return snapshots;
    });

  async #call<T>(action: Action, run: () => T | Promise<T>): Promise<T> {
    const index = this.#faults.findIndex((fault) => fault.action === action);
    const [fault] = index < 0 ? [] : this.#faults.splice(index, 1);
    if (fault && !fault.after) throw fault.error;
    const answer = await run();
    if (fault) throw fault.error;
    return answer;
  }

  #fleet(request: FleetRequest): FleetAnswer {
    const keys = request.pools.map((pool) => `${pool.instanceType}/${pool.availabilityZone}`);
    if (new Set(keys).size < keys.length) {
      return { instanceIds: [], errors: [{ code: 'InvalidFleetConfig', message: 'duplicate instance pools' }] };
    }
    const errors: FleetError[] = [];
    for (const [index, pool] of request.pools.entries()) {
      const code = index < 3 ? this.#refusal(request.market, pool) : 'UnfulfillableCapacity';
      if (code === undefined) {
        const { imageId, tags } = request;
        const overrides = { tags, ...(imageId === '' ? {} : { imageId }) };
        return { instanceIds: [this.#launch(request.market, pool, overrides)], errors };
      }
      errors.push({ pool, code, message: `${code} in the fake` });
    }
    return { instanceIds: [], errors };
  }

  #refusal(market: Market, pool: Pool): string | undefined {
    const { instanceType: type, availabilityZone: zone } = pool;
    if (this.offered[type]?.includes(zone) === false) return 'InvalidFleetConfiguration';
    const keys = [`${market} ${type}/${zone}`, `${market} */${zone}`, `${market} ${type}/*`, `${market} */*`, '*'];
    const refused = keys.map((key) => this.refusals[key]).find((code) => code !== undefined);
    if (refused !== undefined) return refused;
    const used = this.alive().filter((instance) => instance.market === market).length;
    if (used < this.quota[market]) return undefined;
    return market === 'spot' ? 'MaxSpotInstanceCountExceeded' : 'VcpuLimitExceeded';
  }

  #launch(
    market: Market,
    pool: Pool,
    overrides: Partial<Instance> & { tags: Readonly<Record<string, string>> },
  ): string {
    const instanceId = this.#id('i');
    const tags = overrides.tags;
    this.#records.set(instanceId, {
      instanceId,
      instanceArn: `arn:aws:ec2:${REGION}:${ACCOUNT}:instance/${instanceId}`,
      instanceType: pool.instanceType,
      availabilityZone: pool.availabilityZone,
      market,
      imageId: 'ami-0f24e5b7febd29ea3',
      privateIp: `10.0.0.${10 + this.#serial}`,
      launchedAt: this.#clock.now(),
      spotRequestId: market === 'spot' ? this.#id('sir') : '',
      ...overrides,
      volumes: [{ volumeId: this.#id('vol'), tags, deleted: false }],
    });
    return instanceId;
  }

  #record(instanceId: string): StoredInstance {
    const record = this.#records.get(instanceId);
    if (record === undefined) throw new Error(`no instance ${instanceId} in the fake`);
    return record;
  }

  #id(prefix: string): string {
    this.#serial += 1;
    return `${prefix}-${this.#serial.toString(16).padStart(17, '0')}`;
  }

  #age(record: StoredInstance): number {
    return this.#clock.now().getTime() - record.launchedAt.getTime();
  }

  #visible(): Instance[] {
    const now = this.#clock.now().getTime();
    return [...this.#records.values()]
      .filter((record) => this.#age(record) >= this.blindMs)
      .filter((record) => record.endedAt === undefined || now - record.endedAt < FORGOTTEN_MS)
      .map((record) => this.#view(record));
  }

  #view({ endedAt, endReason, stopped, volumes: _, ...record }: StoredInstance): Instance {
    const age = this.#clock.now().getTime() - record.launchedAt.getTime();
    const state: InstanceState =
      endedAt !== undefined
        ? this.#clock.now().getTime() - endedAt < this.terminationMs
          ? 'shutting-down'
          : 'terminated'
        : stopped
          ? 'stopped'
          : age < PENDING_MS
            ? 'pending'
            : 'running';
    const publicIp =
      this.publicAddresses && age >= PUBLIC_ADDRESS_MS ? record.privateIp.replace('10.0.0.', '203.0.113.') : '';
    return { ...record, state, stateReason: endReason ?? '', publicIp };
  }
}
