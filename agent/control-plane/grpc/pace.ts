/**
 * How long to wait before the next message, so that one sender has no more than its share; HTTP/2 then holds the sender
 * back, and nothing piles up here.
 *
 * @param burst - messages that need not wait
 * @param perSecond - at which rate the burst comes back
 * @param now - milliseconds
 * @returns asked after each message, gives milliseconds
 */
export const createPace = (burst: number, perSecond: number, now: () => number): (() => number) => {
  let left = burst;
  let at = now();
  return () => {
    const present = now();
    left = Math.min(burst, left + ((present - at) / 1000) * perSecond) - 1;
    at = present;
    return left >= 0 ? 0 : Math.ceil((-left / perSecond) * 1000);
  };
};
