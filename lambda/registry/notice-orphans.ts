import { key, timeToLive } from './rows.ts';
import type { Store } from './store.ts';
import type { RowPorts } from './track-progress.ts';

/** An id no sweep has seen for this long is no orphan any more. */
const FORGET_SECONDS = 7 * 24 * 3600;

export const noticeOrphan = async ({ store, clock }: RowPorts, id: string): Promise<Date> => {
  const now = clock.now();
  const item = await store.update({
    pk: key.orphan(id),
    set: { kind: 'ORPHAN', ttl: timeToLive(now, FORGET_SECONDS) },
    setOnce: { firstSeenAt: now.toISOString() },
  });
  return new Date(String(item?.firstSeenAt ?? now.toISOString()));
};

export const forgetOrphan = async (store: Store, id: string): Promise<void> => {
  await store.remove(key.orphan(id));
};
