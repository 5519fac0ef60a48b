import { CommandError, exitCodeOf } from '../errors.ts';
import { EXIT } from '../exit-codes.ts';
import type { ExecutionProgress } from '../progress/fold-history.ts';

/** Seconds from start to end; zero while one of them is unknown. */
export const tookMilliseconds = ({ startedAt, endedAt }: ExecutionProgress): number =>
  startedAt === undefined || endedAt === undefined ? 0 : endedAt.getTime() - startedAt.getTime();

/** The proof passed: what ran is gone, however the execution around it ended. */
export const isGone = (phases: ExecutionProgress['phases']): boolean =>
  phases.some(({ id, status }) => id === 'removed' && status === 'done');

/** Whether a failed provision undid itself, in words. */
export const undoing = ({ status, phases }: ExecutionProgress): string => {
  const failed = phases.findIndex((phase) => phase.status === 'failed');
  const after = failed < 0 ? [] : phases.slice(failed + 1);
  if (after.length > 0 && after.every((phase) => phase.status === 'done')) {
    return isGone(phases) ? 'rolled back: nothing is left' : 'rolled back by another teardown, which is still at it';
  }
  if (after.length > 0) return 'the roll-back did not finish; the sweeper tries again within 15 minutes';
  if (status === 'ABORTED' || status === 'TIMED_OUT') return 'a teardown has been started for what was made so far';
  return '';
};

/** The failure of an execution as the command reports it: first error, its remedy, exit code of its kind. */
export const failureOf = (subject: string, progress: ExecutionProgress, doing: string): CommandError => {
  const { failure, status } = progress;
  const undone = undoing(progress);
  return new CommandError(failure === undefined ? EXIT.failed : exitCodeOf(failure.error), {
    what: `${doing} ${subject} failed: ${failure?.error ?? status}${undone && ` (${undone})`}`,
    ...(failure?.message ? { got: failure.message } : {}),
    remedy: failure?.remedy || `see what happened with \`carrierarr logs ${subject}\``,
  });
};
