import type { Instance } from '#shared/aws/ec2-port.ts';
import { LaunchFencedError } from '#shared/errors.ts';
import type { OwnedLife } from '../registry/port.ts';
import type { LaunchPorts } from './ports.ts';
import { retryUntil } from './retry-until.ts';

const TERMINATION_SECONDS = 8;

/** A later attempt of the same execution may have adopted this very instance: then it is the worker, not a stray. */
const isRecorded = async (
  { registry }: Pick<LaunchPorts, 'registry'>,
  { name, generation, execution }: OwnedLife,
  instanceId: string,
): Promise<boolean> => {
  const row = await registry.find(name);
  return (
    row?.generation === generation &&
    row.owner === execution &&
    row.phase === 'LAUNCHED' &&
    row.instanceId === instanceId
  );
};

const terminateLost = async (
  { ec2, clock, log }: Pick<LaunchPorts, 'ec2' | 'clock' | 'log'>,
  instanceId: string,
): Promise<string> => {
  const until = new Date(clock.now().getTime() + TERMINATION_SECONDS * 1000);
  try {
    await retryUntil(clock, until, () => ec2.terminate([instanceId]));
    return 'terminated';
  } catch (error) {
    // The fence is the news that must get out; the teardown that holds it searches by tag before its proof.
    log.error('could not terminate the instance of a fenced launch', error as Error);
    return 'left to the teardown, which finds it by its tags';
  }
};

/**
 * The fence after the launch call: writes the instance into the row, or, where a teardown or a later attempt has taken
 * the row meanwhile, ends the instance again.
 * @throws LaunchFencedError
 */
export const recordLaunch = async (
  ports: Pick<LaunchPorts, 'registry' | 'ec2' | 'clock' | 'log'>,
  life: OwnedLife,
  attempt: number,
  instance: Instance,
): Promise<void> => {
  const { instanceId, instanceArn, instanceType, availabilityZone, privateIp, publicIp } = instance;
  try {
    await ports.registry.recordLaunch(life, attempt, {
      ...{ instanceId, instanceArn, instanceType, availabilityZone, privateIp, publicIp },
      launchedMarket: instance.market,
      launchedAmiId: instance.imageId,
      launchedAt: instance.launchedAt.toISOString(),
    });
  } catch (error) {
    if (!(error instanceof LaunchFencedError)) throw error;
    if (await isRecorded(ports, life, instanceId)) return;
    const fate = await terminateLost(ports, instanceId);
    throw new LaunchFencedError({
      what: `worker ${life.name} was taken over while it was being launched`,
      got: `instance ${instanceId} ${fate}`,
      remedy: 'none needed; provision again once the teardown has ended',
      cause: error,
    });
  }
};
