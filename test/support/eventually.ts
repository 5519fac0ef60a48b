import { vi } from 'vitest';

/** For a loaded machine; whoever is in time waits no longer than before. */
const PATIENCE_MS = 15_000;
/** Tests that hold the timers in their hand wait for what is not in it. */
const { setTimeout: later } = globalThis;

/** What `look` gives as soon as it no longer throws. Vitest's own patience of one second is too short for CI. */
export const eventually = <T>(look: () => T | Promise<T>): Promise<T> =>
  vi.waitFor(look, { timeout: PATIENCE_MS, interval: 20 });

/** What `read` gives as soon as that is neither undefined nor false. */
export const until = async <T>(what: string, read: () => T | undefined | false, limitMs = PATIENCE_MS): Promise<T> => {
  const end = performance.now() + limitMs;
  for (;;) {
    const found = read();
    if (found !== undefined && found !== false) return found;
    if (performance.now() > end) throw new Error(`not within ${limitMs} ms: ${what}`);
    await new Promise((resolve) => later(resolve, 3));
  }
};
