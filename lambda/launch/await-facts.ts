import type { Instance } from '#shared/aws/ec2-port.ts';
import { NotYetConsistentError, ServiceUnavailableError } from '#shared/errors.ts';
import { USABLE_STATES } from './adopt-instance.ts';
import type { LaunchPorts } from './ports.ts';

const PAUSE_MS = 500;
/** A public address appears within seconds, or never where the subnet gives none. */
const PUBLIC_ADDRESS_SECONDS = 5;

/**
 * Waits until EC2 shows the new instance with its addresses. Of several ids the first is the worker's, the rest is
 * ended: more than one exists when two attempts overlapped.
 * @throws ServiceUnavailableError when the instance ended at once (EC2 found out too late that it could not serve)
 * @throws NotYetConsistentError when EC2 does not show it before `until`
 */
export const awaitFacts = async (
  { ec2, clock, log }: Pick<LaunchPorts, 'ec2' | 'clock' | 'log'>,
  [instanceId = '', ...surplus]: readonly string[],
  until: Date,
): Promise<Instance> => {
  if (surplus.length > 0) {
    log.warn('ending surplus instances of overlapping attempts', { instanceIds: surplus });
    await ec2.terminate(surplus);
  }
  const enough = clock.now().getTime() + PUBLIC_ADDRESS_SECONDS * 1000;
  for (;;) {
    const [instance] = await ec2.instances({ instanceIds: [instanceId] });
    if (instance && !USABLE_STATES.includes(instance.state)) {
      throw new ServiceUnavailableError({
        what: 'the instance ended right after its launch',
        got: `${instanceId} ${instance.state}: ${instance.stateReason || 'no reason given'}`,
        remedy: 'none needed, the state retries; a reason that names a key or volume points to the launch template',
      });
    }
    const addressed = instance !== undefined && instance.privateIp !== '';
    if (addressed && (instance.publicIp !== '' || clock.now().getTime() >= enough)) return instance;
    if (clock.now().getTime() + PAUSE_MS >= until.getTime()) {
      throw new NotYetConsistentError({
        what: 'EC2 does not show the instance it has launched',
        got: instanceId,
        remedy: 'none needed, the state retries and finds it by its tags',
      });
    }
    await clock.sleep(PAUSE_MS);
  }
};
