import type { FleetSettings, OperationInput, Role } from '#contract';
import type { InstancesEc2, LaunchEc2 } from '#shared/aws/ec2-port.ts';
import type { SecretTags } from '#shared/aws/secret-tags.ts';
import type { Clock } from '#shared/clock.ts';
import type { Log } from '#shared/logging.ts';
import type { Registry } from '../registry/port.ts';

export interface LaunchPorts {
  readonly ec2: LaunchEc2 & InstancesEc2;
  readonly secrets: Pick<SecretTags, 'bind'>;
  readonly registry: Pick<Registry, 'find' | 'beginLaunch' | 'recordLaunch'>;
  readonly clock: Clock;
  readonly log: Log;
  readonly settings: FleetSettings;
  /** Launch template ids by role. */
  readonly launchTemplates: Readonly<Partial<Record<Role, string>>>;
}
export type LaunchInput = OperationInput<'launch', 'launch'>;
