import { EVENT, type WorkerRow } from '#contract';
import type { PublishEvent } from '../shared/aws/events.ts';
import type { Log } from '../shared/logging.ts';
import { viewWorker } from './view-worker.ts';

/** Tells the bus what became of a worker. Never throws. */
export type AnnounceWorker = (
  detailType: typeof EVENT.workerReady | typeof EVENT.workerFailed | typeof EVENT.workerRemoved,
  row: WorkerRow,
) => Promise<void>;

/**
 * The state is written first, the event follows. An event that the bus does not take is logged whole and not an error:
 * rolling back a worker that is ready, or keeping one that is removed, because a notice was lost would be worse. Who
 * needs certainty reads the registry.
 */
export const createAnnouncer =
  (publish: PublishEvent, log: Pick<Log, 'error'>): AnnounceWorker =>
  async (detailType, row) => {
    const event = { source: EVENT.source, detailType, detail: viewWorker(row) };
    try {
      await publish(event);
    } catch (error) {
      log.error('event not published', { event, error: error as Error });
    }
  };
