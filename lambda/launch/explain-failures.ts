import type { Market, Worker } from '#contract';
import type { Pool } from '#shared/aws/ec2-port.ts';
import {
  CapacityError,
  type CarrierarrError,
  ConfigurationError,
  PermissionError,
  QuotaError,
  ServiceUnavailableError,
} from '#shared/errors.ts';
import type { Reaction } from './fleet-errors.ts';

export interface PoolFailure {
  readonly market: Market;
  readonly pool: Pool;
  readonly code: string;
  readonly message: string;
  readonly reaction: Reaction;
}

interface Context {
  readonly worker: Worker;
  /** SSM parameter the launch template takes its image from. */
  readonly imageParameter: string;
}

/** EC2 appends an encoded authorisation message of several kilobytes. */
const short = (message: string): string =>
  message.replace(/ Encoded authorization failure message:.*$/s, '').slice(0, 300);

const poolName = ({ market, pool }: PoolFailure): string => `${market} ${pool.instanceType}/${pool.availabilityZone}`;

const imageRemedy = ({ worker, imageParameter }: Context): string =>
  worker.amiId === ''
    ? `check that the SSM parameter ${imageParameter} exists in this region and holds an image that exists here (\`carrierarr doctor\` does), or give the image with --ami-id`
    : `check that the image ${worker.amiId} exists in this region and fits the instance types ${worker.instanceTypes.join(', ')}`;

const permissionFailure = (failure: PoolFailure): PermissionError =>
  new PermissionError({
    what: 'EC2 refused the launch for want of permission',
    got: `${failure.code}: ${short(failure.message)}`,
    allowed:
      'ec2:CreateFleet, ec2:RunInstances and ec2:CreateTags on launch, iam:PassRole for the worker role, service-linked roles of EC2 Fleet and Spot',
    remedy:
      'launch only instance types that the configuration names under roles.<role>.instanceTypes; deploy the stack again; if a service control policy forbids the launch, ask its owner',
  });

const configurationFailure = (failure: PoolFailure, context: Context): ConfigurationError =>
  new ConfigurationError({
    what: 'EC2 refused the launch as not valid',
    got: `${failure.code} for ${poolName(failure)}: ${short(failure.message)}`,
    remedy: `${imageRemedy(context)}; then compare the launch template and the instance types with the message`,
  });

/** @throws PermissionError or ConfigurationError when the failures say that no other pool would do better. */
export const failForGood = (failures: readonly PoolFailure[], context: Context): void => {
  const refused = failures.find((failure) => failure.reaction === 'permission');
  if (refused) throw permissionFailure(refused);
  const wrong = failures.find((failure) => failure.reaction === 'configuration');
  if (wrong) throw configurationFailure(wrong, context);
};

/** Every pool of a market failed, and each as an invalid combination: a configuration fault, not want of capacity. */
export const failIfAllInvalid = (failures: readonly PoolFailure[], context: Context): void => {
  const [first] = failures;
  if (first && failures.every((failure) => failure.reaction === 'invalid-pool'))
    throw configurationFailure(first, context);
};

/** Stands for EC2's code where the function's time was over before EC2 could be asked. */
export const NOT_TRIED_IN_TIME = 'NotTriedInTime';

const QUOTA_REMEDY =
  'ask for a higher EC2 vCPU quota under Service Quotas (GPU: L-DB2E81BA on-demand G and VT, L-3819A6DF Spot; 0 in new accounts, a g4dn.xlarge needs 4), or tear other workers down';
const CAPACITY_REMEDY = 'offer more instance types or zones for the role, or try again later';
const MARKET_REMEDY = 'allow the on-demand fall-back';

/** The error of a launch for which every pool of every allowed market was exhausted. */
export const failForNow = (failures: readonly PoolFailure[], { worker }: Context): CarrierarrError => {
  if (failures.every((failure) => failure.code === NOT_TRIED_IN_TIME)) {
    return new ServiceUnavailableError({
      what: 'EC2 was too slow for a launch to be tried',
      got: `${failures.length} pools left untried`,
      remedy: 'none needed, the state retries',
    });
  }
  const quotas = failures.filter((failure) => failure.reaction === 'next-market');
  const markets = [...new Set(failures.map((failure) => failure.market))];
  const spotOnly = worker.market === 'spot' && !worker.onDemandFallback;
  const onlyQuotas = markets.every((market) => quotas.some((failure) => failure.market === market));
  const remedies = [
    ...(quotas.length > 0 ? [QUOTA_REMEDY] : []),
    ...(spotOnly ? [MARKET_REMEDY] : []),
    ...(onlyQuotas ? [] : [CAPACITY_REMEDY]),
  ];
  const facts = {
    got: failures.map((failure) => `${poolName(failure)}: ${failure.code}`).join(', '),
    remedy: remedies.join('; '),
  };
  return onlyQuotas
    ? new QuotaError({ what: `the account’s quota is used up (${markets.join(', ')})`, ...facts })
    : new CapacityError({ what: `no pool could serve worker ${worker.name}`, ...facts });
};
