import type { Market } from '#contract';

/**
 * EC2 as the domain sees it: what a launch, a teardown, its proof and the sweep need, and no more. Domain functions
 * take the narrow part they use. Lists are complete (adapters paginate) and as fresh as EC2 makes them: what was just
 * written may be missing for some seconds.
 */
export const INSTANCE_STATES = ['pending', 'running', 'shutting-down', 'terminated', 'stopping', 'stopped'] as const;
export type InstanceState = (typeof INSTANCE_STATES)[number];

/** An instance that exists and is not on its way out. */
export const LIVE_STATES: readonly InstanceState[] = ['pending', 'running', 'stopping', 'stopped'];
/** Anything whose disks, interfaces and security group may still be held. */
export const PRESENT_STATES: readonly InstanceState[] = [...LIVE_STATES, 'shutting-down'];

export interface Instance {
  readonly instanceId: string;
  readonly instanceArn: string;
  readonly instanceType: string;
  readonly availabilityZone: string;
  readonly state: InstanceState;
  /** Why it is stopping or gone, e.g. `Server.SpotInstanceTermination`; empty while it runs. */
  readonly stateReason: string;
  readonly market: Market;
  readonly imageId: string;
  /** Addresses are empty strings until EC2 has given them. */
  readonly privateIp: string;
  readonly publicIp: string;
  readonly launchedAt: Date;
  /** Empty for on-demand. */
  readonly spotRequestId: string;
  readonly tags: Readonly<Record<string, string>>;
}

/** All given conditions must hold. */
export interface InstanceFilter {
  readonly tags?: Readonly<Record<string, string>>;
  readonly instanceIds?: readonly string[];
  readonly imageId?: string;
  /** Absent means every state. */
  readonly states?: readonly InstanceState[];
}

/** One place where EC2 may have capacity. */
export interface Pool {
  readonly instanceType: string;
  readonly availabilityZone: string;
  readonly subnetId: string;
}

export interface FleetRequest {
  /** At most 64 ASCII characters; the same token with other parameters is refused. */
  readonly clientToken: string;
  readonly launchTemplateId: string;
  readonly market: Market;
  /** Empty: the launch template's own image. */
  readonly imageId: string;
  /** In order of preference, at most three: EC2 leaves the rest untried. */
  readonly pools: readonly Pool[];
  /** On the instance and its volumes. */
  readonly tags: Readonly<Record<string, string>>;
}

export interface FleetError {
  /** Absent when EC2 refused the request as a whole. */
  readonly pool?: Pool;
  readonly code: string;
  readonly message: string;
}

export interface FleetAnswer {
  readonly instanceIds: readonly string[];
  readonly errors: readonly FleetError[];
}

/** What a launch needs. */
export interface LaunchEc2 {
  /** Zones in which each type is offered; types EC2 does not know are missing. */
  offerings(instanceTypes: readonly string[]): Promise<{ instanceType: string; availabilityZone: string }[]>;
  /** @throws ConfigurationError when a subnet does not exist */
  subnets(subnetIds: readonly string[]): Promise<{ subnetId: string; availabilityZone: string }[]>;
  /**
   * One EC2 Fleet of type `instant` for one instance; refusals come back as errors of the answer.
   * @throws ThrottledError or ServiceUnavailableError: repeat with the same token
   */
  createFleet(request: FleetRequest): Promise<FleetAnswer>;
}

/** What finds and ends instances. */
export interface InstancesEc2 {
  instances(filter: InstanceFilter): Promise<Instance[]>;
  /** Idempotent. @throws NotYetConsistentError when EC2 does not know one of them (yet, or any more) */
  terminate(instanceIds: readonly string[]): Promise<void>;
}

export interface Image {
  readonly imageId: string;
  readonly name: string;
  readonly ownedByUs: boolean;
}

/** What else an instance may leave behind. */
export interface LeftoversEc2 {
  /** Ids and states of volumes with all these tags. */
  volumes(
    tags: Readonly<Record<string, string>>,
  ): Promise<{ volumeId: string; state: string; tags: Readonly<Record<string, string>> }[]>;
  interfacesOf(instanceIds: readonly string[]): Promise<{ interfaceId: string; instanceId: string }[]>;
  /** Spot requests that were fulfilled by these instances, in any state. */
  spotRequestsOf(instanceIds: readonly string[]): Promise<{ requestId: string; state: string }[]>;
  /** Idempotent; does not end instances. */
  cancelSpotRequests(requestIds: readonly string[]): Promise<void>;
}

export interface ImagesEc2 {
  image(imageId: string): Promise<Image | undefined>;
  /** Deregisters the image and deletes the snapshots no other image uses; returns the ids of those. */
  deregisterImage(imageId: string): Promise<string[]>;
}

export type Ec2 = LaunchEc2 & InstancesEc2 & LeftoversEc2 & ImagesEc2;
