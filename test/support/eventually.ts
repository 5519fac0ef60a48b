import { vi } from 'vitest';

/** For a loaded machine; whoever is in time waits no longer than before. */
const PATIENCE = { timeout: 15_000, interval: 20 };

/** What `look` gives as soon as it no longer throws. Vitest's own patience of one second is too short for CI. */
export const eventually = <T>(look: () => T | Promise<T>): Promise<T> => vi.waitFor(look, PATIENCE);
