import { EVENT } from '#contract';
import type { BusEntry } from './to-event.ts';

/** AWS ignores what is older, so that nothing is torn down for what was true long ago. */
const OLDEST_MILLISECONDS = 10 * 60_000;
/**
 * Idleness is news for a moment: a worker may have got work while the way to AWS was away, and the next observation comes
 * by itself as long as it has not.
 */
const OLDEST_IDLE_MILLISECONDS = 90_000;

/** An event that waits, and who it is about. */
export interface Waiting {
  readonly entry: BusEntry;
  /** Milliseconds; when it was seen. */
  readonly at: number;
}

const isLate = ({ entry, at }: Waiting, now: number): boolean =>
  now - at > (entry.detailType === EVENT.workerIdle ? OLDEST_IDLE_MILLISECONDS : OLDEST_MILLISECONDS);

const keyOf = ({ entry }: Waiting): string => `${entry.detailType} ${entry.detail.worker}`;

/**
 * What has yet to be told. A newer observation of the same kind takes the place of the older, so that a worker has at
 * most two; the oldest goes where there is no room, and what AWS would ignore is not kept.
 */
export const observationQueue = (limit: number, dropped: (reason: 'full' | 'late', count: number) => void) => {
  const waiting = new Map<string, Waiting>();

  const makeRoom = (): void => {
    const [oldest] = waiting.keys();
    if (waiting.size <= limit || oldest === undefined) return;
    waiting.delete(oldest);
    dropped('full', 1);
  };
  const forgetOld = (now: number): void => {
    const late = [...waiting].filter(([, item]) => isLate(item, now));
    for (const [key] of late) waiting.delete(key);
    if (late.length > 0) dropped('late', late.length);
  };
  return {
    size: (): number => waiting.size,
    add: (item: Waiting): void => {
      const key = keyOf(item);
      waiting.delete(key);
      waiting.set(key, item);
      makeRoom();
    },
    /** Takes out the oldest that are still worth telling. */
    take: (count: number, now: number): Waiting[] => {
      forgetOld(now);
      const taken = [...waiting.values()].slice(0, count);
      for (const item of taken) waiting.delete(keyOf(item));
      return taken;
    },
    /** Puts back what could not be told, unless something newer is known by now. */
    putBack: (items: readonly Waiting[]): void => {
      const later = [...waiting];
      waiting.clear();
      for (const item of items) waiting.set(keyOf(item), item);
      for (const [key, item] of later) {
        waiting.delete(key);
        waiting.set(key, item);
      }
      while (waiting.size > limit) makeRoom();
    },
  };
};

export type ObservationQueue = ReturnType<typeof observationQueue>;
