import type { Market } from '#contract';
import { AwsRefusal } from '../protocol/refusal.ts';
import { freeAddress } from './addresses.ts';
import { newId } from './ids.ts';
import { ImageStore } from './images.ts';
import {
  type Ec2Times,
  type Instance,
  type InstanceState,
  instanceState,
  isVisible,
  type MetadataOptions,
  type Tags,
  type Volume,
} from './instance.ts';

export interface Subnet {
  readonly subnetId: string;
  readonly vpcId: string;
  readonly availabilityZone: string;
  readonly cidr: string;
}

export interface BlockDevice {
  readonly deviceName: string;
  readonly sizeGib: number;
  readonly encrypted: boolean;
  readonly deleteOnTermination: boolean;
}

export interface LaunchSpec {
  readonly instanceType: string;
  readonly imageId: string;
  readonly subnet: Subnet;
  readonly market: Market;
  readonly clientToken: string;
  readonly userData: string;
  readonly metadata: MetadataOptions;
  readonly instanceTags: Tags;
  readonly volumeTags: Tags;
  readonly networkInterfaceTags: Tags;
  readonly securityGroupIds: readonly string[];
  readonly instanceProfileArn: string;
  readonly blockDevices: readonly BlockDevice[];
}

export interface Ec2Settings {
  readonly region: string;
  readonly accountId: string;
  readonly times: Ec2Times;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

export type SpotState = 'active' | 'closed' | 'cancelled';

/** Addresses set aside for documentation (RFC 5737): never somebody's. */
const PUBLIC_RANGE = '203.0.113.0/24';

const REASON_USER = 'Client.UserInitiatedShutdown: User initiated shutdown';

/** EC2 instances and what hangs on them. Plays no machine: whoever launches is told, and starts the node. */
export class Ec2Model {
  readonly images = new ImageStore();
  readonly settings: Ec2Settings;
  readonly #instances = new Map<string, Instance>();
  readonly #cancelledSpot = new Set<string>();

  constructor(settings: Ec2Settings) {
    this.settings = settings;
  }

  state(instance: Instance): InstanceState {
    return instanceState(instance, this.settings.now(), this.settings.times);
  }

  /** Every instance, also those which the API does not show yet. */
  all(): Instance[] {
    return [...this.#instances.values()];
  }

  visible(): Instance[] {
    return this.all().filter((instance) => isVisible(instance, this.settings.now(), this.settings.times));
  }

  find(instanceId: string): Instance | undefined {
    return this.#instances.get(instanceId);
  }

  /** @throws AwsRefusal InvalidInstanceID.NotFound, also for one that is not visible yet */
  require(instanceId: string): Instance {
    const found = this.visible().find((instance) => instance.instanceId === instanceId);
    if (found === undefined) {
      throw new AwsRefusal('InvalidInstanceID.NotFound', `The instance ID '${instanceId}' does not exist`);
    }
    return found;
  }

  launch(spec: LaunchSpec): Instance {
    const { region, accountId, now } = this.settings;
    const instanceId = newId('i');
    const instance: Instance = {
      ...spec,
      instanceId,
      arn: `arn:aws:ec2:${region}:${accountId}:instance/${instanceId}`,
      reservationId: newId('r'),
      subnetId: spec.subnet.subnetId,
      vpcId: spec.subnet.vpcId,
      availabilityZone: spec.subnet.availabilityZone,
      privateIp: freeAddress(
        spec.subnet.cidr,
        this.#taken((other) => other.privateIp),
      ),
      publicIp: freeAddress(
        PUBLIC_RANGE,
        this.#taken((other) => other.publicIp),
      ),
      spotRequestId: spec.market === 'spot' ? newId('sir') : '',
      networkInterfaceId: newId('eni'),
      volumes: spec.blockDevices.map((device) => ({ ...device, volumeId: newId('vol'), tags: spec.volumeTags })),
      tags: spec.instanceTags,
      launchedAt: now(),
      terminatedAt: undefined,
      reason: '',
    };
    this.#instances.set(instanceId, instance);
    return instance;
  }

  /** Idempotent. Returns the states before and after. @throws AwsRefusal InvalidInstanceID.NotFound */
  terminate(instanceId: string, reason = REASON_USER): { previous: InstanceState; current: InstanceState } {
    const instance = this.require(instanceId);
    const previous = this.state(instance);
    if (instance.terminatedAt === undefined) {
      instance.terminatedAt = this.settings.now();
      instance.reason = reason;
    }
    return { previous, current: this.state(instance) };
  }

  /** Volumes that exist now: those of a terminated instance are gone, but for the ones kept on purpose. */
  volumes(): { volume: Volume; instance: Instance; attached: boolean }[] {
    return this.visible().flatMap((instance) => {
      const gone = this.state(instance) === 'terminated';
      return instance.volumes
        .filter((volume) => !(gone && volume.deleteOnTermination))
        .map((volume) => ({ volume, instance, attached: !gone }));
    });
  }

  /** Instances whose network interface exists now. */
  withInterface(): Instance[] {
    return this.visible().filter((instance) => this.state(instance) !== 'terminated');
  }

  spotState(instance: Instance): SpotState {
    if (this.#cancelledSpot.has(instance.spotRequestId)) return 'cancelled';
    return instance.terminatedAt === undefined ? 'active' : 'closed';
  }

  spotInstances(): Instance[] {
    return this.visible().filter((instance) => instance.spotRequestId !== '');
  }

  /** @throws AwsRefusal InvalidSpotInstanceRequestID.NotFound */
  cancelSpot(requestId: string): void {
    if (!this.spotInstances().some((instance) => instance.spotRequestId === requestId)) {
      throw new AwsRefusal(
        'InvalidSpotInstanceRequestID.NotFound',
        `The spot instance request ID '${requestId}' does not exist`,
      );
    }
    this.#cancelledSpot.add(requestId);
  }

  #taken(address: (instance: Instance) => string): ReadonlySet<string> {
    return new Set(
      this.all()
        .filter((instance) => this.state(instance) !== 'terminated')
        .map(address),
    );
  }
}
