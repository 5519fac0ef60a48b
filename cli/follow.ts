import { asCommandError, CommandError } from './errors.ts';
import type { Fleet } from './fleet.ts';
import type { Io } from './io.ts';
import { type ExecutionProgress, foldHistory } from './progress/fold-history.ts';
import { followExecution } from './progress/follow-execution.ts';
import { type Followed, progressMode, progressRenderer } from './render/progress.ts';

export interface Subject {
  readonly subject: string;
  readonly execution: string;
}

export interface Ended extends Subject {
  readonly progress: ExecutionProgress;
}

/** Following failed, e.g. for want of a network; what was followed goes on. */
export const lostSight = (error: unknown, io: Io): CommandError => {
  const { exitCode, facts } = asCommandError(error);
  return new CommandError(exitCode, {
    what: `lost sight of it: ${facts.what}`,
    ...(facts.got === undefined ? {} : { got: facts.got }),
    remedy: io.interruption.notice || facts.remedy,
    cause: error,
  });
};

const FRAME_MILLISECONDS = 120;

/** Follows executions side by side, shows them as they go, and returns how each ended, in the order given. */
export const followAll = async (
  subjects: readonly Subject[],
  { sfn }: Pick<Fleet, 'sfn'>,
  io: Io,
  json: boolean,
): Promise<Ended[]> => {
  const { historyReader } = await import('./doors/executions.ts');
  const mode = progressMode(io.out, json);
  const renderer = progressRenderer(io.out, mode);
  const followed: { -readonly [K in keyof Followed]: Followed[K] }[] = subjects.map(({ subject }) => ({
    subject,
    progress: foldHistory([]),
  }));
  const draw = (): void => renderer.update(followed, io.now());
  // Clocks and spinner move between two looks; pipes only hear of changes.
  const frames = mode === 'live' ? setInterval(draw, FRAME_MILLISECONDS) : undefined;
  try {
    return await Promise.all(
      subjects.map(async (subject, at) => {
        const progress = await followExecution(subject.execution, {
          readHistory: historyReader(sfn),
          intervalMilliseconds: io.pollMilliseconds,
          signal: io.interruption.signal,
          onProgress: (latest) => {
            const entry = followed[at];
            if (entry !== undefined) entry.progress = latest;
            draw();
          },
        });
        return { ...subject, progress };
      }),
    );
  } catch (error) {
    throw io.interruption.signal.aborted ? error : lostSight(error, io);
  } finally {
    clearInterval(frames);
    renderer.finish();
  }
};
