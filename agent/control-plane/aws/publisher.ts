import { setTimeout as sleep } from 'node:timers/promises';
import type { Registry } from 'prom-client';
import type { Log } from '../../shared/log.ts';
import { reasonOf } from '../../shared/log.ts';
import type { FleetObserver } from '../fleet/observation.ts';
import { readSigningCertificate } from './certificate.ts';
import { createSession, type Session } from './create-session.ts';
import { sessionCache } from './credentials.ts';
import { type AwsMetrics, awsMetrics } from './metrics.ts';
import { observationQueue } from './observation-queue.ts';
import type { PutEvents } from './put-events.ts';
import { type AwsSettings, readAwsSettings } from './settings.ts';
import { tellAll } from './teller.ts';
import { toEvent } from './to-event.ts';

/** Tells AWS what the control plane sees. */
export interface Publisher extends FleetObserver {
  /** Makes one last attempt with what still waits; at most some seconds. */
  close(): Promise<void>;
}

/** A thousand workers, each idle and dead at once, and half as many again. */
const WAITING_LIMIT = 3_000;
const CLOSE_MILLISECONDS = 5_000;
/** A month: said at each session, so hourly. */
const WARN_MILLISECONDS = 30 * 86_400_000;
const RENEWAL =
  '`carrierarr homelab certificate --renew`, then `carrierarr homelab control-plane --secrets | kubectl apply -f -`';

const wait = async (milliseconds: number, signal: AbortSignal): Promise<void> => {
  await sleep(milliseconds, undefined, { signal, ref: false }).catch(() => {});
};

/** Sessions by the certificate, read anew each time. */
const sessionsOf = (settings: AwsSettings, log: Log, metrics: AwsMetrics): (() => Promise<Session>) => {
  const renew = async (): Promise<Session> => {
    const at = new Date();
    const signer = await readSigningCertificate(settings, at);
    const { validToDate } = signer.certificate;
    metrics.certificateUntil(validToDate);
    if (validToDate.getTime() - at.getTime() < WARN_MILLISECONDS)
      log('warn', 'aws-certificate-ends', { until: validToDate.toISOString(), remedy: RENEWAL });
    const session = await createSession(settings, signer, at);
    log('info', 'aws-session', { until: session.expiration.toISOString() });
    return session;
  };
  const failed = (error: unknown): void => log('warn', 'aws-session-not-renewed', { reason: reasonOf(error) });
  return sessionCache(renew, Date.now, failed);
};

/** The SDK is loaded when the first event goes out: many a control plane has nobody at AWS to tell. */
const lazily = (make: () => Promise<PutEvents>): PutEvents => {
  let made: Promise<PutEvents> | undefined;
  return async (entries) => {
    made ??= make();
    return (await made)(entries);
  };
};

const publish = (settings: AwsSettings, log: Log, registry: Registry): Publisher => {
  const closing = new AbortController();
  let saidFull = false;
  const queue = observationQueue(WAITING_LIMIT, (reason, count) => {
    metrics.dropped(reason, count);
    // Once is enough of a queue that overflows; the metric counts.
    if (reason === 'full' && saidFull) return;
    saidFull = reason === 'full';
    log('warn', 'aws-dropped', { reason, count });
  });
  const metrics = awsMetrics(registry, queue.size);
  const sessions = sessionsOf(settings, log, metrics);
  const put = lazily(async () => (await import('./put-events.ts')).createPutEvents(settings, sessions));
  const ports = { queue, put, now: Date.now, wait, random: Math.random, log, metrics };
  let telling: Promise<void> | undefined;

  const tell = async (): Promise<void> => {
    try {
      await tellAll(ports, closing.signal);
    } catch (error) {
      log('error', 'aws-teller-broke', { reason: reasonOf(error) });
    } finally {
      // Something may have come in since the last look.
      telling = queue.size() > 0 && !closing.signal.aborted ? tell() : undefined;
    }
  };
  // Whether the identity is any good shall be in the log from the start, not at the first idle worker.
  sessions().catch((error: unknown) => log('warn', 'aws-no-session', { reason: reasonOf(error) }));
  return {
    observe: (observation) => {
      const entry = toEvent(observation);
      if (entry === undefined) return metrics.dropped('unknown', 1);
      queue.add({ entry, at: observation.observedAt.getTime() });
      if (!closing.signal.aborted) telling ??= tell();
    },
    close: async () => {
      closing.abort();
      await Promise.race([telling, sleep(CLOSE_MILLISECONDS, undefined, { ref: false })]);
    },
  };
};

/**
 * Makes the publisher that `CONTROL_PLANE_AWS_*` describes, and says in the log which it is. It never blocks and never
 * throws afterwards: the fleet does not wait for AWS.
 *
 * @returns undefined where nothing is configured
 * @throws ConfigurationError when the configuration is incomplete
 */
export const createPublisher = (
  environment: NodeJS.ProcessEnv,
  log: Log,
  registry: Registry,
): Publisher | undefined => {
  const settings = readAwsSettings(environment);
  if (settings === undefined) {
    log('info', 'aws-off', { reason: 'CONTROL_PLANE_AWS_* is not set: AWS is not told of idle and dead workers' });
    return undefined;
  }
  const { bus, region, roleArn } = settings;
  log('info', 'aws-on', { bus, region, roleArn });
  return publish(settings, log, registry);
};
