import type { Limits } from './limits.ts';

/**
 * Full jitter: after a restart of the control plane the whole fleet comes back, and must not come at once.
 *
 * @param failures - connections in a row that did not work
 */
export const backOff = (failures: number, limits: Limits, random: () => number): number =>
  random() * Math.min(limits.mostBackOffMs, limits.firstBackOffMs * 2 ** Math.min(failures, 30));

/** After a refusal: long, and spread by a quarter. */
export const refusedBackOff = (limits: Limits, random: () => number): number =>
  limits.refusedBackOffMs * (1 + random() / 4);
