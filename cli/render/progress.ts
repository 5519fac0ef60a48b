import type { ExecutionProgress, ExecutionStatus, PhaseProgress, PhaseStatus } from '../progress/fold-history.ts';
import { formatElapsed } from './duration.ts';
import { type Output, paint, type Style } from './output.ts';

/** One followed execution; `subject` is the worker (or machine) it is about. */
export interface Followed {
  readonly subject: string;
  readonly progress: ExecutionProgress;
}

export interface ProgressRenderer {
  update(followed: readonly Followed[], now?: Date): void;
  /** Call once at the end: leaves the last picture in place. */
  finish(): void;
}

export type ProgressMode = 'live' | 'lines' | 'json';

export const progressMode = (output: Output, json: boolean): ProgressMode => {
  if (json) return 'json';
  return output.isTerminal ? 'live' : 'lines';
};

const SPINNER = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];
const MARK: Readonly<Record<PhaseStatus, string>> = { running: '·', done: '✓', failed: '✗', stopped: '■' };
const STYLE: Readonly<Record<PhaseStatus, Style>> = {
  running: 'cyan',
  done: 'green',
  failed: 'red',
  stopped: 'yellow',
};

const elapsed = (phase: PhaseProgress, now: Date): number =>
  (phase.endedAt ?? now).getTime() - phase.startedAt.getTime();

/** Times of retried tasks are worth a word: they explain a slow phase. */
const remark = (phase: PhaseProgress): string => {
  const last = phase.errors.at(-1);
  if (last === undefined) return '';
  return phase.status === 'failed' ? ` ${last.error}` : ` (retried: ${last.error})`;
};

const row = (output: Output, status: PhaseStatus, spin: string, text: string): string => {
  const mark = status === 'running' ? spin : MARK[status];
  // A line that wraps would break the count of lines to go back up.
  return `${paint(output, STYLE[status], `  ${mark}`)} ${text.slice(0, Math.max(20, output.columns - 6))}`;
};

const phaseText = (phase: PhaseProgress, now: Date): string =>
  `${phase.title.padEnd(34)}${formatElapsed(elapsed(phase, now)).padStart(8)}${remark(phase)}`;

const END_STATUS: Readonly<Record<ExecutionStatus, PhaseStatus>> = {
  RUNNING: 'running',
  SUCCEEDED: 'done',
  FAILED: 'failed',
  TIMED_OUT: 'stopped',
  ABORTED: 'stopped',
};

/** Several executions: one line each with what goes on in it. */
const summaryLines = (output: Output, followed: readonly Followed[], now: Date, spin: string): string[] => {
  const width = Math.max(...followed.map(({ subject }) => subject.length));
  const room = Math.max(3, output.rows - 2);
  const lines = followed.slice(0, room).map(({ subject, progress }) => {
    const phase = progress.phases.at(-1);
    const text = phase === undefined ? 'Starting' : phaseText(phase, now);
    return row(output, END_STATUS[progress.status], spin, `${subject.padEnd(width)}  ${text}`);
  });
  return followed.length > room ? [...lines, `    … and ${followed.length - room} more`] : lines;
};

const detailLines = (output: Output, { progress }: Followed, now: Date, spin: string): string[] =>
  progress.phases.map((phase) => row(output, phase.status, spin, phaseText(phase, now)));

/** Redraws a block of lines in place. */
const liveRenderer = (output: Output): ProgressRenderer => {
  let drawn = 0;
  let tick = 0;
  return {
    update(followed, now = new Date()) {
      const spin = SPINNER[tick++ % SPINNER.length] ?? '·';
      const [only, second] = followed;
      const lines =
        only !== undefined && second === undefined
          ? detailLines(output, only, now, spin)
          : summaryLines(output, followed, now, spin);
      const up = drawn === 0 ? '' : `\x1b[${drawn}A`;
      output.write(`${up}${lines.map((text) => `\x1b[2K${text}\n`).join('')}`);
      drawn = lines.length;
    },
    finish() {
      drawn = 0;
    },
  };
};

/** Calls back once for every change of a phase's status. */
const changes = () => {
  const seen = new Map<string, PhaseStatus>();
  return (
    followed: readonly Followed[],
    report: (subject: string, phase: PhaseProgress, start: Date) => void,
  ): void => {
    for (const { subject, progress } of followed) {
      for (const [at, phase] of progress.phases.entries()) {
        const key = `${subject}/${at}`;
        if (seen.get(key) === phase.status) continue;
        seen.set(key, phase.status);
        report(subject, phase, progress.startedAt ?? phase.startedAt);
      }
    }
  };
};

const linesRenderer = (output: Output): ProgressRenderer => {
  const each = changes();
  return {
    update(followed, now = new Date()) {
      each(followed, (subject, phase, start) => {
        const since = formatElapsed((phase.endedAt ?? phase.startedAt).getTime() - start.getTime());
        const took = phase.status === 'running' ? '' : ` (${formatElapsed(elapsed(phase, now))})`;
        output.write(`${since.padStart(8)}  ${subject}  ${phase.title}: ${phase.status}${took}${remark(phase)}\n`);
      });
    },
    finish() {},
  };
};

const jsonRenderer = (output: Output): ProgressRenderer => {
  const each = changes();
  return {
    update(followed) {
      each(followed, (subject, phase, start) => {
        const at = phase.endedAt ?? phase.startedAt;
        const event = {
          event: 'phase',
          subject,
          phase: phase.id,
          title: phase.title,
          status: phase.status,
          at: at.toISOString(),
          elapsedSeconds: (at.getTime() - start.getTime()) / 1000,
          errors: phase.errors,
        };
        output.write(`${JSON.stringify(event)}\n`);
      });
    },
    finish() {},
  };
};

/** Live block on a terminal, one line per change when piped, one JSON object per change (NDJSON) for machines. */
export const progressRenderer = (output: Output, mode: ProgressMode): ProgressRenderer => {
  if (mode === 'json') return jsonRenderer(output);
  return mode === 'live' ? liveRenderer(output) : linesRenderer(output);
};
