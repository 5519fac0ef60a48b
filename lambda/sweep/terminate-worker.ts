import type { OperationInput, OperationOutput } from '#contract';
import { PRESENT_STATES } from '#shared/aws/ec2-port.ts';
import type { SweepPorts } from './ports.ts';
import { lifeTags } from './select-instances.ts';

/**
 * Ends every instance of one life of a worker (of all lives when the generation is empty) and cancels its Spot
 * requests. Idempotent; found by tags, never by a remembered id.
 * @returns the instances that are not gone yet, for `terminated` to watch
 */
export const terminateWorker = async (
  { ec2, log, settings }: Pick<SweepPorts, 'ec2' | 'log' | 'settings'>,
  life: OperationInput<'sweep', 'terminate'>,
): Promise<OperationOutput<'sweep', 'terminate'>> => {
  const present = await ec2.instances({ tags: lifeTags(settings.fleet, life), states: PRESENT_STATES });
  const instanceIds = present.map((instance) => instance.instanceId);
  const live = present.filter((instance) => instance.state !== 'shutting-down');
  await ec2.terminate(live.map((instance) => instance.instanceId));
  await ec2.cancelSpotRequests(present.flatMap(({ spotRequestId: id }) => (id === '' ? [] : [id])));
  log.info('terminating', { instanceIds });
  return { instanceIds };
};
