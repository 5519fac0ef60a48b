import type { Session } from './create-session.ts';

/** Renewed this long before the end; the SDK asks again from five minutes before it. */
const EARLY_MILLISECONDS = 10 * 60_000;
/** Shorter than this a session is of no use for a request that has yet to be sent. */
const USABLE_MILLISECONDS = 60_000;
/** After a renewal that failed while the old session is still good. */
const AGAIN_MILLISECONDS = 60_000;

/**
 * Keeps one session and renews it in time. Whoever asks at once waits for one and the same renewal; while an old session
 * is good, a renewal that fails is not the caller's business.
 *
 * @param renew - makes a session
 * @param now - milliseconds
 * @param failed - hears of renewals that failed while the old session went on
 */
export const sessionCache = (
  renew: () => Promise<Session>,
  now: () => number,
  failed: (error: unknown) => void,
): (() => Promise<Session>) => {
  let current: Session | undefined;
  let nextTry = 0;
  let renewal: Promise<Session> | undefined;

  const left = (): number => (current === undefined ? 0 : current.expiration.getTime() - now());
  const renewed = async (): Promise<Session> => {
    try {
      current = await renew();
      return current;
    } catch (error) {
      if (current === undefined || left() < USABLE_MILLISECONDS) throw error;
      nextTry = now() + AGAIN_MILLISECONDS;
      failed(error);
      return current;
    } finally {
      renewal = undefined;
    }
  };
  return async () => {
    if (current !== undefined && left() > EARLY_MILLISECONDS) return current;
    if (current !== undefined && left() > USABLE_MILLISECONDS && now() < nextTry) return current;
    renewal ??= renewed();
    return renewal;
  };
};
