import { TAG } from '#contract';
import type { Instance, InstanceState } from '#shared/aws/ec2-port.ts';
import type { LaunchInput, LaunchPorts } from './ports.ts';

/** Stopping and stopped instances cannot become the worker any more. */
export const USABLE_STATES: readonly InstanceState[] = ['pending', 'running'];

/** After an attempt that may have launched something, EC2 may show it only some seconds later. */
const LOOKS_AFTER_A_LOST_ATTEMPT = 3;
const PAUSE_BETWEEN_LOOKS_MS = 2_000;

/** The instance that the registry already holds for this execution: the answer of an earlier call was lost. */
export const findRecorded = async (
  { ec2, registry }: Pick<LaunchPorts, 'ec2' | 'registry'>,
  { worker, execution }: LaunchInput,
): Promise<Instance | undefined> => {
  const row = await registry.find(worker.name);
  const ours = row?.generation === worker.generation && row.owner === execution && row.phase === 'LAUNCHED';
  if (!ours || row.instanceId === undefined) return undefined;
  const [instance] = await ec2.instances({ instanceIds: [row.instanceId], states: USABLE_STATES });
  return instance;
};

/**
 * Instances that an earlier attempt of this execution launched before it died, oldest first; nothing when there are
 * none.
 */
export const adoptInstance = async (
  { ec2, clock, log, settings }: Pick<LaunchPorts, 'ec2' | 'clock' | 'log' | 'settings'>,
  { worker, execution, redriveCount }: LaunchInput,
  attempt: number,
): Promise<readonly string[] | undefined> => {
  const looks = attempt > 1 || redriveCount > 0 ? LOOKS_AFTER_A_LOST_ATTEMPT : 1;
  const tags = { [TAG.fleet]: settings.fleet, [TAG.worker]: worker.name, [TAG.execution]: execution };
  for (let look = 1; look <= looks; look += 1) {
    if (look > 1) await clock.sleep(PAUSE_BETWEEN_LOOKS_MS);
    const found = await ec2.instances({ tags, states: USABLE_STATES });
    if (found.length > 0) {
      const ids = found
        .toSorted((a, b) => a.launchedAt.getTime() - b.launchedAt.getTime())
        .map((instance) => instance.instanceId);
      log.warn('taking over what an earlier attempt launched', { instanceIds: ids, attempt });
      return ids;
    }
  }
  return undefined;
};
