import type { LaunchEc2, Pool } from '#shared/aws/ec2-port.ts';
import { ConfigurationError } from '#shared/errors.ts';

/** An instant fleet tries no more than this many pools in one call. */
export const POOLS_PER_CALL = 3;

/**
 * Pairs of type and subnet in which EC2 offers the type at all, in order of preference: types as given, then subnets as
 * configured. A pair that is not offered would fail the whole call.
 * @throws ConfigurationError when nothing is offered anywhere
 */
export const choosePools = async (
  ec2: Pick<LaunchEc2, 'offerings' | 'subnets'>,
  instanceTypes: readonly string[],
  subnetIds: readonly string[],
): Promise<Pool[]> => {
  if (subnetIds.length === 0) {
    throw new ConfigurationError({
      what: 'the fleet has no subnet to launch in',
      remedy: 'name availability zones or subnets in the configuration and deploy again',
    });
  }
  const [offered, found] = await Promise.all([ec2.offerings(instanceTypes), ec2.subnets(subnetIds)]);
  const zoneOf = new Map(found.map((subnet) => [subnet.subnetId, subnet.availabilityZone]));
  const pairs = new Set(offered.map((offering) => `${offering.instanceType}/${offering.availabilityZone}`));
  const pools = instanceTypes.flatMap((instanceType) =>
    subnetIds.flatMap((subnetId) => {
      const availabilityZone = zoneOf.get(subnetId);
      return availabilityZone !== undefined && pairs.has(`${instanceType}/${availabilityZone}`)
        ? [{ instanceType, availabilityZone, subnetId }]
        : [];
    }),
  );
  if (pools.length > 0) return pools;
  throw new ConfigurationError({
    what: 'no instance type of the worker is offered in any zone of the fleet',
    got: `${instanceTypes.join(', ')} in ${[...new Set(zoneOf.values())].join(', ') || 'no zone'}`,
    allowed: 'types that `aws ec2 describe-instance-type-offerings --location-type availability-zone` lists there',
    remedy: 'correct the spelling, choose other instance types, or add zones to the configuration',
  });
};

/**
 * Takes the pools of the next call off the queue: the first three, but never two subnets of one zone for the same type,
 * which EC2 refuses as duplicate pools.
 */
export const takeBatch = (queue: readonly Pool[]): { batch: Pool[]; rest: Pool[] } => {
  const batch: Pool[] = [];
  const rest: Pool[] = [];
  for (const pool of queue) {
    const duplicate = batch.some(
      (taken) => taken.instanceType === pool.instanceType && taken.availabilityZone === pool.availabilityZone,
    );
    if (batch.length < POOLS_PER_CALL && !duplicate) batch.push(pool);
    else rest.push(pool);
  }
  return { batch, rest };
};
