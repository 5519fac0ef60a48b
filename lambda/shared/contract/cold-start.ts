import * as z from 'zod';

/**
 * How long a worker took from its launch into service, by stage. Stages overlap where the node does things side by side
 * (`k3s` and `mesh`), and the last two are sums counted from the launch.
 */
export const COLD_START_STAGES = [
  /** Launch until the kernel runs: EC2's part. */
  'instanceStart',
  /** Until the first program of ours runs. */
  'systemStart',
  /** Only where a worker installs itself: from there until everything is installed. */
  'install',
  /** From the boot program's start: settings and secret read, identity in place. */
  'configAndSecrets',
  /** From the identity on: the mesh address is up. */
  'mesh',
  /** From the identity on, beside the mesh: k3s says that it is ready. */
  'k3s',
  /** Launch until the boot is done. */
  'boot',
  /** Launch until the worker is in service. */
  'inService',
] as const;
export const ColdStartStage = z.enum(COLD_START_STAGES);
export type ColdStartStage = z.infer<typeof ColdStartStage>;

/** What takes longer is no cold start but a clock that is wrong. */
export const COLD_START_LIMIT_SECONDS = 86_400;

export const ColdStart = z.object({
  /** When EC2 took the launch. */
  launchedAt: z.iso.datetime(),
  /** Seconds; a stage whose marks are missing, or make no sense, is left out. */
  stages: z.partialRecord(ColdStartStage, z.number().min(0).max(COLD_START_LIMIT_SECONDS)),
});
export type ColdStart = z.infer<typeof ColdStart>;

/** Marks of a node, instants in epoch seconds, as the verdicts of `await-boot` and `enter-service` carry them. */
export const Timeline = z.array(z.object({ at: z.number(), mark: z.string() })).max(40);
export type Timeline = z.infer<typeof Timeline>;
