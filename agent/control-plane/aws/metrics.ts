import { Counter, Gauge, type Registry } from 'prom-client';

/** What becomes of observations, and how long the identity lasts. */
export interface AwsMetrics {
  readonly told: (count: number) => void;
  readonly dropped: (reason: 'full' | 'late' | 'refused' | 'unknown', count: number) => void;
  readonly failed: () => void;
  readonly certificateUntil: (end: Date) => void;
}

/** @param waiting - how many observations have yet to be told, asked at every scrape */
export const awsMetrics = (registry: Registry, waiting: () => number): AwsMetrics => {
  const registers = [registry];
  const told = new Counter({
    name: 'carrierarr_aws_observations_told_total',
    help: 'Observations that the event bus has taken',
    registers,
  });
  const dropped = new Counter({
    name: 'carrierarr_aws_observations_dropped_total',
    help: 'Observations that AWS was not told: no room, too old, refused by the bus, or of a node that is no worker',
    labelNames: ['reason'] as const,
    registers,
  });
  const failed = new Counter({
    name: 'carrierarr_aws_failures_total',
    help: 'Attempts to tell AWS that failed as a whole and are repeated',
    registers,
  });
  new Gauge({
    name: 'carrierarr_aws_observations_waiting',
    help: 'Observations that have yet to be told',
    registers,
    collect() {
      this.set(waiting());
    },
  });
  const until = new Gauge({
    name: 'carrierarr_aws_certificate_expiry_seconds',
    help: 'When the certificate for AWS ends, in seconds since 1970; 0 until it was read',
    registers,
  });
  for (const reason of ['full', 'late', 'refused', 'unknown'] as const) dropped.inc({ reason }, 0);
  return {
    told: (count) => told.inc(count),
    dropped: (reason, count) => dropped.inc({ reason }, count),
    failed: () => failed.inc(),
    certificateUntil: (end) => until.set(end.getTime() / 1000),
  };
};
