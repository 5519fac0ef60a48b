import type { Instance, InstanceFilter } from '../../lambda/shared/aws/ec2-port.ts';

interface Volume {
  readonly volumeId: string;
  readonly tags: Readonly<Record<string, string>>;
  deleted: boolean;
}
export interface StoredInstance extends Omit<Instance, 'state' | 'stateReason' | 'publicIp'> {
  /** Set by TerminateInstances or by EC2 itself. */
  endedAt?: number;
  endReason?: string;
  stopped?: boolean;
  readonly volumes: Volume[];
}
export const hasTags = (
  own: Readonly<Record<string, string>>,
  wanted: Readonly<Record<string, string>> = {},
): boolean => Object.entries(wanted).every(([key, value]) => own[key] === value);

export const matches = (instance: Instance, filter: InstanceFilter): boolean =>
  hasTags(instance.tags, filter.tags) &&
  (filter.instanceIds?.includes(instance.instanceId) ?? true) &&
  (filter.states?.includes(instance.state) ?? true) &&
  (filter.imageId === undefined || filter.imageId === instance.imageId);
