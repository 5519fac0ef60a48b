import { createHash } from 'node:crypto';
import type { Market } from '#contract';
import type { Pool } from '#shared/aws/ec2-port.ts';

export interface TokenFacts {
  readonly execution: string;
  readonly redriveCount: number;
  readonly market: Market;
  /** Attempt of the registry's row, 1 upwards. */
  readonly attempt: number;
  /** Number of the call within the attempt, 1 upwards. */
  readonly call: number;
  readonly imageId: string;
  readonly pools: readonly Pool[];
}

/**
 * SHA-256 in hex: 64 characters, EC2's maximum. The same while one call is repeated because its answer was lost, another
 * for every new call: EC2 answers a used token with the first answer, even if the instance in it is long gone, and
 * refuses it with other parameters. A pool that EC2 left untried is asked for again with the same overrides, so the
 * number of the call is part of the attempt.
 */
export const clientToken = (facts: TokenFacts): string => {
  const overrides = facts.pools.map((pool) => `${pool.instanceType}/${pool.subnetId}/${facts.imageId}`).sort();
  return createHash('sha256')
    .update(
      [facts.execution, facts.redriveCount, facts.market, `${facts.attempt}.${facts.call}`, ...overrides].join('|'),
    )
    .digest('hex');
};
