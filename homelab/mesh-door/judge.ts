import type { Log } from '../../agent/shared/log.ts';
import type { Connections } from './connections.ts';
import { admits, type Destination, readDestination, refusalOf } from './destination.ts';
import type { Settings } from './settings.ts';

/** What every connection through the door needs. */
export interface Door {
  readonly settings: Settings;
  readonly connections: Connections;
  readonly log: Log;
}

export interface Refusal {
  readonly status: number;
  readonly reason: string;
}

/** Where it may go, or why not: source and destination must both be on their lists. */
export const judge = (
  settings: Settings,
  source: string,
  authority: string,
  presetPort?: number,
): Destination | Refusal => {
  if (!admits(settings.sources, source)) return { status: 403, reason: `${source} is no allowed source` };
  const destination = readDestination(authority, presetPort);
  if (destination === undefined) return { status: 400, reason: 'no host and port to connect to' };
  const reason = refusalOf(destination, settings);
  return reason === undefined ? destination : { status: 403, reason };
};
