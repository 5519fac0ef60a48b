/** Every wait of the agent has a limit; tests shorten them. */
export interface Limits {
  readonly connectMs: number;
  /** One unary call. */
  readonly callMs: number;
  /** One report of the node: registration or status. */
  readonly reportMs: number;
  /** The first status of a stream, without which the control plane soon ends it. */
  readonly firstStatusMs: number;
  readonly pingEveryMs: number;
  readonly pingAnswerMs: number;
  /** How long the last status and the end of the stream may take. */
  readonly closeMs: number;
  readonly firstBackOffMs: number;
  readonly mostBackOffMs: number;
  /** After `accepted: false`: somebody decided that, and decides again at a person's pace. */
  readonly refusedBackOffMs: number;
  /** A connection that held this long counts as one that worked. */
  readonly stableMs: number;
  readonly commandMs: number;
  /** A model has tens of gigabytes, so pulling one has more time: as long as this, if asked for. */
  readonly pullMs: { readonly usual: number; readonly most: number };
  /** What a command may take beyond its time to come to its end. */
  readonly commandGraceMs: number;
  /** Between two statuses, however often one is asked for. */
  readonly statusGapMs: number;
  /** How late a loop may be before it counts as stuck. */
  readonly slackMs: number;
}

/**
 * Nebula forgets a resting TCP connection after 12 minutes, so pings come far more often; servers of the known policy
 * take a client that pings more often than every 10 s for an attacker.
 */
export const LIMITS: Limits = {
  connectMs: 10_000,
  callMs: 10_000,
  reportMs: 20_000,
  firstStatusMs: 5000,
  pingEveryMs: 20_000,
  pingAnswerMs: 10_000,
  closeMs: 1500,
  firstBackOffMs: 1000,
  mostBackOffMs: 30_000,
  refusedBackOffMs: 60_000,
  stableMs: 10_000,
  commandMs: 300_000,
  pullMs: { usual: 1_800_000, most: 3_600_000 },
  commandGraceMs: 10_000,
  statusGapMs: 1000,
  slackMs: 30_000,
};
