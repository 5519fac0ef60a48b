import type { FleetSettings } from '#contract';
import type { ImagesEc2, InstancesEc2, LeftoversEc2 } from '#shared/aws/ec2-port.ts';
import type { Parameters } from '#shared/aws/parameters.ts';
import type { SecretTags } from '#shared/aws/secret-tags.ts';
import type { Clock } from '#shared/clock.ts';
import type { Log } from '#shared/logging.ts';
import type { Life, Registry, RemovalReason } from '../registry/port.ts';

/** Everything the capability uses; each operation takes its part. */
export interface SweepPorts {
  readonly ec2: InstancesEc2 & LeftoversEc2 & ImagesEc2;
  readonly secrets: Pick<SecretTags, 'describe' | 'ofFleet' | 'delete'>;
  readonly parameters: Pick<Parameters, 'find'>;
  readonly registry: Pick<Registry, 'find' | 'list' | 'noticeOrphan' | 'forgetOrphan' | 'revokeCertificates'>;
  /** `unknown`: never started, or ended more than 90 days ago. */
  readonly executions: { status(executionArn: string): Promise<'open' | 'closed' | 'unknown'> };
  /** `running`: another teardown is at it; `removed`, `absent`: nothing left to tear down. */
  readonly startTeardown: (life: Life, why: RemovalReason) => Promise<'started' | 'running' | 'removed' | 'absent'>;
  readonly clock: Pick<Clock, 'now'>;
  readonly log: Log;
  readonly settings: FleetSettings;
}
