import type { OperationInput, OperationOutput } from '#contract';
import { TerminationTimedOutError } from '#shared/errors.ts';
import type { SweepPorts } from './ports.ts';

/**
 * One look at instances that are being terminated. `shutting-down` is not gone: disks, interfaces and the security
 * group are held until `terminated`. What EC2 no longer shows is gone.
 * @throws TerminationTimedOutError once the limit since `since` has passed
 */
export const awaitTermination = async (
  { ec2, clock, settings }: Pick<SweepPorts, 'ec2' | 'clock' | 'settings'>,
  { name, instanceIds, since }: OperationInput<'sweep', 'terminated'>,
): Promise<OperationOutput<'sweep', 'terminated'>> => {
  if (instanceIds.length === 0) return { gone: true };
  const found = await ec2.instances({ instanceIds });
  const left = found.filter((instance) => instance.state !== 'terminated');
  if (left.length === 0) return { gone: true };
  const limitSeconds = settings.limits.terminateSeconds;
  if (clock.now().getTime() - since <= limitSeconds * 1000) return { gone: false };
  throw new TerminationTimedOutError({
    what: `instances of worker ${name} are not terminated after ${limitSeconds} s`,
    got: left.map((instance) => `${instance.instanceId} ${instance.state}`).join(', '),
    remedy: 'none needed, the sweep starts the teardown again; a GPU instance can take several minutes to stop',
  });
};
