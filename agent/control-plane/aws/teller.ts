import type { Log } from '../../shared/log.ts';
import { reasonOf } from '../../shared/log.ts';
import type { AwsMetrics } from './metrics.ts';
import type { ObservationQueue, Waiting } from './observation-queue.ts';
import type { PutEvents } from './put-events.ts';

export interface TellerPorts {
  readonly queue: ObservationQueue;
  readonly put: PutEvents;
  readonly now: () => number;
  /** Resolves early, and never rejects, when the signal is aborted. */
  readonly wait: (milliseconds: number, signal: AbortSignal) => Promise<void>;
  readonly random: () => number;
  readonly log: Log;
  readonly metrics: AwsMetrics;
}

/** PutEvents takes ten. */
const BATCH = 10;
/** What is seen at one look arrives together. */
const GATHER_MILLISECONDS = 250;
const FIRST_MILLISECONDS = 1_000;
/** An idle worker is observed anew every five minutes. */
const LONGEST_MILLISECONDS = 60_000;
/** Answers of the bus to one entry that another attempt may change. */
const PASSING = /^(InternalFailure|InternalException|Throttl|ServiceUnavailable|TooManyRequests)/;

/** @returns what is worth another attempt */
const sort = ({ log, metrics }: TellerPorts, batch: readonly Waiting[], answers: Awaited<ReturnType<PutEvents>>) => {
  const again: Waiting[] = [];
  for (const [index, item] of batch.entries()) {
    const refused = answers[index];
    if (refused === undefined) metrics.told(1);
    else if (PASSING.test(refused.code)) again.push(item);
    else {
      metrics.dropped('refused', 1);
      const { detail, detailType } = item.entry;
      log('error', 'aws-refused', { worker: detail.worker, detailType, ...refused });
    }
  }
  return again;
};

/** @returns whether the bus was reached and has taken what it will ever take */
const tellBatch = async (ports: TellerPorts): Promise<boolean> => {
  const { queue, put, now, log, metrics } = ports;
  const batch = queue.take(BATCH, now());
  if (batch.length === 0) return true;
  try {
    const again = sort(ports, batch, await put(batch.map(({ entry }) => entry)));
    queue.putBack(again);
    return again.length === 0;
  } catch (error) {
    queue.putBack(batch);
    metrics.failed();
    log('warn', 'aws-unreachable', { reason: reasonOf(error), waiting: queue.size() });
    return false;
  }
};

const backOff = (failures: number, random: () => number): number =>
  Math.min(LONGEST_MILLISECONDS, FIRST_MILLISECONDS * 2 ** (failures - 1)) * (0.5 + random() / 2);

/** Works the queue off, one call at a time, for as long as there is something in it. */
export const tellAll = async (ports: TellerPorts, signal: AbortSignal): Promise<void> => {
  await ports.wait(GATHER_MILLISECONDS, signal);
  let failures = 0;
  while (ports.queue.size() > 0) {
    failures = (await tellBatch(ports)) ? 0 : failures + 1;
    // Whoever shuts down waits for one attempt, not for AWS to return.
    if (signal.aborted && failures > 0) return;
    if (failures > 0) await ports.wait(backOff(failures, ports.random), signal);
  }
};
