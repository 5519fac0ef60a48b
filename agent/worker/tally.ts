/** Counts since the agent's start, for its metrics. */
export interface Tally {
  connects: number;
  losses: number;
  statuses: number;
  statusFailures: number;
  commands: number;
  commandFailures: number;
  /** Undelivered results that had to make room. */
  resultsDropped: number;
}

export const newTally = (): Tally => ({
  connects: 0,
  losses: 0,
  statuses: 0,
  statusFailures: 0,
  commands: 0,
  commandFailures: 0,
  resultsDropped: 0,
});
