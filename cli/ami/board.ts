import { setTimeout as sleep } from 'node:timers/promises';
import type { Io } from '../io.ts';
import { type ExecutionProgress, NOTHING_YET, type PhaseProgress, type PhaseStatus } from '../progress/fold-history.ts';
import { type Followed, progressMode, progressRenderer } from '../render/progress.ts';

/** Shows what goes on outside Step Functions as an execution is shown: phases, how long each takes, how it ended. */
export interface Board {
  /** The subject is in this phase now; the one before is done. */
  enter(subject: string, id: string, title: string): void;
  /** The subject's last phase ended so. */
  end(subject: string, status: Exclude<PhaseStatus, 'running'>): void;
  /** Leaves the last picture in place. */
  close(): void;
}

const FRAME_MILLISECONDS = 120;
const STATUS_OF = { done: 'SUCCEEDED', failed: 'FAILED', stopped: 'ABORTED' } as const;

const ended = (phases: readonly PhaseProgress[], status: PhaseStatus, at: Date): PhaseProgress[] =>
  phases.map((phase) => (phase.status === 'running' ? { ...phase, status, endedAt: at } : phase));

const begun = (id: string, title: string, at: Date): PhaseProgress => ({
  id,
  title,
  status: 'running',
  startedAt: at,
  endedAt: undefined,
  states: [],
  outputs: [],
  errors: [],
});

export const openBoard = (subjects: readonly string[], io: Io, json: boolean): Board => {
  const mode = progressMode(io.out, json);
  const renderer = progressRenderer(io.out, mode);
  const progress = new Map<string, ExecutionProgress>(subjects.map((subject) => [subject, NOTHING_YET]));
  const draw = (): void => {
    const followed: Followed[] = [...progress].map(([subject, latest]) => ({ subject, progress: latest }));
    renderer.update(followed, io.now());
  };
  // Clocks and spinner move between two looks; pipes only hear of changes.
  const frames = mode === 'live' ? setInterval(draw, FRAME_MILLISECONDS) : undefined;
  const change = (subject: string, next: (latest: ExecutionProgress) => ExecutionProgress): void => {
    progress.set(subject, next(progress.get(subject) ?? NOTHING_YET));
    draw();
  };
  return {
    enter(subject, id, title) {
      const at = io.now();
      change(subject, (latest) => {
        if (latest.phases.at(-1)?.id === id) return latest;
        const phases = [...ended(latest.phases, 'done', at), begun(id, title, at)];
        return { ...latest, startedAt: latest.startedAt ?? at, phases };
      });
    },
    end(subject, status) {
      const at = io.now();
      change(subject, (latest) => ({
        ...latest,
        status: STATUS_OF[status],
        endedAt: at,
        phases: ended(latest.phases, status, at),
      }));
    },
    close() {
      clearInterval(frames);
      renderer.finish();
    },
  };
};

/** Images take minutes; looking as often as at an execution would only use up what the account may ask. */
const PATIENCE = 5;
const JITTER = 0.4;

/** Between two looks at an image: five seconds on AWS, never quite the same, so that several commands drift apart. */
export const pause = async ({ pollMilliseconds, interruption }: Io): Promise<void> => {
  const milliseconds = pollMilliseconds * PATIENCE * (1 - JITTER / 2 + JITTER * Math.random());
  await sleep(milliseconds, undefined, { signal: interruption.signal });
};
