import type { Market, Worker } from '#contract';
import type { FleetAnswer, FleetError, LaunchEc2, Pool } from '#shared/aws/ec2-port.ts';
import type { Clock } from '#shared/clock.ts';
import type { Log } from '#shared/logging.ts';
import { takeBatch } from './choose-pools.ts';
import { clientToken } from './client-token.ts';
import { failForGood, failForNow, failIfAllInvalid, NOT_TRIED_IN_TIME, type PoolFailure } from './explain-failures.ts';
import { reactionTo } from './fleet-errors.ts';
import { retryUntil } from './retry-until.ts';

/** How often EC2 may leave a pool untried before it counts as without capacity. */
const TRIES_PER_POOL = 2;
const PAUSE_BEFORE_REPEAT_MS = 1_000;

export interface CapacityRequest {
  readonly worker: Worker;
  readonly execution: string;
  readonly redriveCount: number;
  readonly attempt: number;
  readonly launchTemplateId: string;
  readonly imageParameter: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly pools: readonly Pool[];
  /** No call starts after this instant. */
  readonly until: Date;
}

interface Ports {
  readonly ec2: Pick<LaunchEc2, 'createFleet'>;
  readonly clock: Clock;
  readonly log: Log;
}

const marketsOf = (worker: Worker): Market[] =>
  worker.market === 'spot' && worker.onDemandFallback ? ['spot', 'on-demand'] : [worker.market];

const callFleet = async (
  { ec2, clock, log }: Ports,
  request: CapacityRequest,
  market: Market,
  call: number,
  pools: readonly Pool[],
): Promise<FleetAnswer> => {
  const { worker, launchTemplateId, tags } = request;
  const token = clientToken({ ...request, market, call, imageId: worker.amiId, pools });
  const fleet = { clientToken: token, launchTemplateId, market, imageId: worker.amiId, pools, tags };
  const answer = await retryUntil(clock, request.until, () => ec2.createFleet(fleet));
  log.info('EC2 Fleet answered', {
    market,
    pools: pools.map((pool) => `${pool.instanceType}/${pool.availabilityZone}`),
    instanceIds: answer.instanceIds,
    errors: answer.errors.map((error) => error.code),
  });
  return answer;
};

/** EC2 may name several errors for one pool, or one for all: the gravest decides. */
const GRAVITY = ['permission', 'configuration', 'next-market', 'invalid-pool', 'next-pool', 'again'] as const;
const UNTRIED: FleetError = { code: 'UnfulfillableCapacity', message: 'EC2 said nothing about this pool' };

const judge = (market: Market, pool: Pool, errors: readonly FleetError[]): PoolFailure => {
  const about = errors.filter((error) => error.pool === undefined || error.pool === pool);
  const gravity = (error: FleetError) => GRAVITY.indexOf(reactionTo(error.code));
  const worst = about.reduce((a, b) => (gravity(b) < gravity(a) ? b : a), about[0] ?? UNTRIED);
  return { market, pool, code: worst.code, message: worst.message, reaction: reactionTo(worst.code) };
};

/** One market, pool by pool; what failed in it is added to `failures`. Returns nothing when the market is exhausted. */
const tryMarket = async (
  ports: Ports,
  request: CapacityRequest,
  market: Market,
  failures: PoolFailure[],
  nextCall: () => number,
): Promise<readonly string[]> => {
  const tries = new Map<Pool, number>();
  let queue = [...request.pools];
  while (queue.length > 0 && ports.clock.now() < request.until) {
    const { batch, rest } = takeBatch(queue);
    const answer = await callFleet(ports, request, market, nextCall(), batch);
    if (answer.instanceIds.length > 0) return answer.instanceIds;
    const judged = batch.map((pool) => judge(market, pool, answer.errors));
    failForGood(judged, request);
    for (const { pool } of judged) tries.set(pool, (tries.get(pool) ?? 0) + 1);
    const again = judged.filter((one) => one.reaction === 'again' && (tries.get(one.pool) ?? 0) < TRIES_PER_POOL);
    failures.push(...judged.filter((one) => !again.includes(one)));
    if (judged.some((one) => one.reaction === 'next-market')) return [];
    if (again.length === batch.length) await ports.clock.sleep(PAUSE_BEFORE_REPEAT_MS);
    queue = [...rest, ...again.map((one) => one.pool)];
  }
  for (const pool of queue) failures.push({ market, pool, code: NOT_TRIED_IN_TIME, message: '', reaction: 'again' });
  return [];
};

/**
 * Asks pool after pool, then market after market, until one yields an instance.
 * @returns the ids EC2 launched, never empty
 * @throws CapacityError or QuotaError when every pool of every allowed market refused
 * @throws PermissionError or ConfigurationError when no pool can help
 * @throws ThrottledError or ServiceUnavailableError when EC2 did not answer in time: to be called again
 */
export const requestCapacity = async (ports: Ports, request: CapacityRequest): Promise<readonly string[]> => {
  const failures: PoolFailure[] = [];
  let calls = 0;
  const nextCall = () => {
    calls += 1;
    return calls;
  };
  for (const market of marketsOf(request.worker)) {
    const instanceIds = await tryMarket(ports, request, market, failures, nextCall);
    if (instanceIds.length > 0) return instanceIds;
    failIfAllInvalid(
      failures.filter((failure) => failure.market === market),
      request,
    );
  }
  throw failForNow(failures, request);
};
