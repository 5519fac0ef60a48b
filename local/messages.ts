import * as z from 'zod';
import type { StageEvent } from './stages.ts';

/** What the process that runs a cloud tells the command that started it, until the cloud is up. */
const Stage = z.object({
  stage: z.string(),
  state: z.enum(['started', 'done']),
  detail: z.string().optional(),
  milliseconds: z.number().optional(),
});

export const ServeMessage = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('stage'), event: Stage }),
  z.object({ kind: z.literal('ready') }),
  z.object({
    kind: z.literal('failed'),
    facts: z.object({
      what: z.string(),
      got: z.string().optional(),
      allowed: z.string().optional(),
      remedy: z.string(),
    }),
  }),
]);
export type ServeMessage = z.infer<typeof ServeMessage>;

/** Without members that are present but undefined, which a stage event does not have. */
export const toStageEvent = ({ stage, state, detail, milliseconds }: z.infer<typeof Stage>): StageEvent => ({
  stage,
  state,
  ...(detail !== undefined && { detail }),
  ...(milliseconds !== undefined && { milliseconds }),
});
