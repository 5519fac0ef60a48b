import { TAG } from '#contract';
import { type InstancesEc2, PRESENT_STATES } from '#shared/aws/ec2-port.ts';
import { WorkersAliveError } from '#shared/errors.ts';
import { fleetInstances } from './select-instances.ts';

export interface GuardEvent {
  readonly RequestType: 'Create' | 'Update' | 'Delete';
  readonly ResourceProperties: { readonly fleet: string };
}

/**
 * Deleted before everything it depends on: while instances live, the functions that could take them away must stay.
 * @throws WorkersAliveError on Delete, naming the instances and what to run
 */
export const refuseDestroy = async (
  { ec2 }: { readonly ec2: Pick<InstancesEc2, 'instances'> },
  event: GuardEvent,
): Promise<{ PhysicalResourceId: string }> => {
  const { fleet } = event.ResourceProperties;
  const answer = { PhysicalResourceId: `${fleet}-guard` };
  if (event.RequestType !== 'Delete') return answer;
  const alive = await fleetInstances(ec2, fleet, PRESENT_STATES);
  if (alive.length === 0) return answer;
  throw new WorkersAliveError({
    what: `fleet ${fleet} still has workers (${alive.length})`,
    got: alive.map(({ instanceId, state, tags }) => `${tags[TAG.worker]} ${instanceId} (${state})`).join(', '),
    remedy: 'run `carrierarr teardown --all`, wait until it has ended, then destroy again',
  });
};
