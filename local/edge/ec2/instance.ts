import type { Market } from '#contract';

/** How long the emulated EC2 takes, in milliseconds. */
export interface Ec2Times {
  readonly pendingMs: number;
  readonly shuttingDownMs: number;
  /** Until then a launched instance may be missing from every answer, as on AWS. */
  readonly invisibleMs: number;
}

/** Short but not zero: long enough that code which forgets to wait is caught. */
export const DEFAULT_TIMES: Ec2Times = { pendingMs: 1_500, shuttingDownMs: 1_500, invisibleMs: 400 };

export type Tags = Readonly<Record<string, string>>;

export interface Volume {
  readonly volumeId: string;
  readonly deviceName: string;
  readonly sizeGib: number;
  readonly encrypted: boolean;
  readonly deleteOnTermination: boolean;
  tags: Tags;
}

export interface MetadataOptions {
  readonly httpTokens: string;
  readonly httpPutResponseHopLimit: number;
  readonly instanceMetadataTags: string;
}

export interface Instance {
  readonly instanceId: string;
  readonly arn: string;
  readonly reservationId: string;
  readonly instanceType: string;
  readonly imageId: string;
  readonly subnetId: string;
  readonly vpcId: string;
  readonly availabilityZone: string;
  readonly privateIp: string;
  readonly publicIp: string;
  readonly market: Market;
  /** Empty for an on-demand instance. */
  readonly spotRequestId: string;
  readonly networkInterfaceId: string;
  readonly networkInterfaceTags: Tags;
  readonly securityGroupIds: readonly string[];
  readonly instanceProfileArn: string;
  readonly clientToken: string;
  readonly userData: string;
  readonly metadata: MetadataOptions;
  readonly volumes: readonly Volume[];
  tags: Tags;
  readonly launchedAt: number;
  terminatedAt: number | undefined;
  reason: string;
}

export const STATE_CODES = { pending: 0, running: 16, 'shutting-down': 32, terminated: 48 } as const;
export type InstanceState = keyof typeof STATE_CODES;

/** The state is a function of time alone, so nothing has to tick. */
export const instanceState = (instance: Instance, now: number, times: Ec2Times): InstanceState => {
  if (instance.terminatedAt !== undefined) {
    return now < instance.terminatedAt + times.shuttingDownMs ? 'shutting-down' : 'terminated';
  }
  return now < instance.launchedAt + times.pendingMs ? 'pending' : 'running';
};

export const isVisible = (instance: Instance, now: number, times: Ec2Times): boolean =>
  now >= instance.launchedAt + times.invisibleMs;
