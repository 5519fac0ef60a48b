/** What other rooms may use of the command: running it, following an execution and showing it, as the demo does. */
export { historyReader } from './doors/executions.ts';
export { CommandError } from './errors.ts';
export { EXIT } from './exit-codes.ts';
export type { Io } from './io.ts';
export { main } from './main.ts';
export { type Failure, readFailure } from './progress/failure.ts';
export { type ExecutionProgress, foldHistory, type PhaseProgress } from './progress/fold-history.ts';
export { type FollowOptions, followExecution, type ReadHistory } from './progress/follow-execution.ts';
export { formatAge, formatElapsed, formatRemaining } from './render/duration.ts';
export { type Output, paint, streamOutput } from './render/output.ts';
export {
  type Followed,
  type ProgressMode,
  type ProgressRenderer,
  progressMode,
  progressRenderer,
} from './render/progress.ts';
export { type Column, renderTable } from './render/table.ts';
