import type { StepResult, WorkerRow } from '#contract';
import type { Registry } from '../registry/port.ts';
import type { TellColdStart } from './cold-start-metrics.ts';
import { measureColdStart } from './measure-cold-start.ts';

/** Looks at a step that has ended, whether well or not, while its command is still the worker's open one. */
export type NoteEnd = (row: WorkerRow, step: string, result: StepResult) => Promise<void>;

export interface ColdStartPorts {
  readonly registry: Pick<Registry, 'recordColdStart'>;
  readonly tell: TellColdStart;
}

/** Ends the cold start: what comes before is told of a worker that did not get that far. */
const LAST_STEP = 'enter-service';
const STEPS_WITH_MARKS: readonly string[] = ['await-boot', LAST_STEP];

/**
 * Keeps the stages of a cold start in the worker's row. Here and not in a state of its own, since only here the marks
 * of a boot that failed are seen as well.
 */
export const noteColdStart =
  ({ registry, tell }: ColdStartPorts): NoteEnd =>
  async (row, step, { ok, timeline }) => {
    if (!STEPS_WITH_MARKS.includes(step) || row.launchedAt === undefined) return;
    const coldStart = measureColdStart(row.launchedAt, timeline);
    if (coldStart === undefined) return;
    const recorded = await registry.recordColdStart(row, coldStart);
    if (recorded && ok && step === LAST_STEP) tell(row.role, coldStart);
  };
