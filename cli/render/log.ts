import type { ExecutionProgress, PhaseProgress } from '../progress/fold-history.ts';
import { formatElapsed } from './duration.ts';
import { tookMilliseconds } from './outcome.ts';
import { type Output, paint, type Style } from './output.ts';

export interface ExecutionLog {
  /** ARN. */
  readonly execution: string;
  readonly progress: ExecutionProgress;
}

const STYLE: Readonly<Record<PhaseProgress['status'], Style>> = {
  running: 'cyan',
  done: 'green',
  failed: 'red',
  stopped: 'yellow',
};

const indent = (text: string): string =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => `      ${line}\n`)
    .join('');

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;

/** Said elsewhere on the page, or of use to the machine only. */
const NOISE = new Set([
  ...['contract', 'name', 'generation', 'phase', 'holder', 'instanceArn', 'versionId', 'commandId', 'proveAfter'],
  ...['step', 'ok', 'rc', 'tail', 'done', 'online', 'gone', 'clean', 'released', 'removed'],
]);

const scalar = (value: unknown): string | undefined => {
  if (Array.isArray(value)) return value.every((one) => typeof one === 'string') ? value.join(', ') : undefined;
  return typeof value === 'object' || value === undefined ? undefined : String(value);
};

/** `instanceId: i-0abc, market: spot`: what is plain among the fields of an answer. */
const plainFacts = (answer: Record<string, unknown>): string =>
  Object.entries(answer)
    .flatMap(([key, value]) => {
      const text = NOISE.has(key) ? undefined : scalar(value);
      return text === undefined || text === '' ? [] : [`${key}: ${text}`];
    })
    .join(', ');

/** Marks of the boot, each with the seconds since the first. */
const timelineText = (timeline: unknown): string => {
  if (!Array.isArray(timeline)) return '';
  const marks = timeline.filter(isRecord).map(({ at, mark }) => ({ at: Number(at), mark: String(mark) }));
  const start = marks[0]?.at ?? 0;
  return marks.map(({ at, mark }) => `+${(at - start).toFixed(1)}s ${mark}`).join(', ');
};

const lines = (...texts: readonly string[]): string =>
  texts
    .filter((text) => text.trim() !== '')
    .map(indent)
    .join('');

/** What the last task of a phase answered: for a script its output and facts, for any other the facts. */
const answersText = ({ outputs }: PhaseProgress): string => {
  const records = outputs.filter(isRecord);
  const steps = records.map(({ result }) => result).filter((result) => isRecord(result) && 'step' in result);
  if (steps.length > 0) {
    return steps
      .filter(isRecord)
      .map((step) => {
        const head = `$ ${step.step} (exit ${step.rc})`;
        return lines(head, String(step.tail ?? ''), plainFacts(step), timelineText(step.timeline));
      })
      .join('');
  }
  const last = records.at(-1);
  if (last === undefined) return '';
  return lines(plainFacts(isRecord(last.worker) ? last.worker : last));
};

const phaseText = (phase: PhaseProgress, output: Output, now: Date): string => {
  const took = formatElapsed((phase.endedAt ?? now).getTime() - phase.startedAt.getTime());
  const status = paint(output, STYLE[phase.status], phase.status.padEnd(8));
  const head = `  ${phase.startedAt.toISOString()}  ${status} ${phase.title} (${took})\n`;
  const errors = phase.errors.map(({ error, message, remedy }) =>
    lines(`${paint(output, 'red', error)}: ${message}`, remedy && `remedy: ${remedy}`),
  );
  return head + errors.join('') + answersText(phase);
};

const executionText = ({ execution, progress }: ExecutionLog, output: Output, now: Date): string => {
  const name = execution.split(':').at(-1) ?? execution;
  const took = progress.endedAt === undefined ? '' : ` in ${formatElapsed(tookMilliseconds(progress))}`;
  const { failure } = progress;
  const end = failure === undefined ? '' : `  ${paint(output, 'red', failure.error)}: ${failure.message}\n`;
  const phases = progress.phases.map((phase) => phaseText(phase, output, now)).join('');
  return `${paint(output, 'bold', name)}  ${progress.status}${took}\n  ${paint(output, 'dim', execution)}\n${phases}${end}`;
};

export const renderLog = (logs: readonly ExecutionLog[], output: Output, now: Date): string =>
  logs.map((log) => executionText(log, output, now)).join('\n');

export const logToJson = (name: string, logs: readonly ExecutionLog[]): string =>
  JSON.stringify({ name, executions: logs.map(({ execution, progress }) => ({ execution, ...progress })) });
