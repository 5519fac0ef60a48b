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

interface StepOutput {
  readonly step: string;
  readonly rc: number;
  readonly tail: string;
}

/** The results of scripts among what a phase's tasks answered (`{done, result: {step, ok, rc, tail}}`). */
const stepsOf = ({ outputs }: PhaseProgress): StepOutput[] =>
  outputs.flatMap((output) => {
    const result: unknown = typeof output === 'object' && output !== null ? Reflect.get(output, 'result') : undefined;
    if (typeof result !== 'object' || result === null || !('step' in result)) return [];
    const tail: unknown = Reflect.get(result, 'tail');
    return [
      { step: String(result.step), rc: Number(Reflect.get(result, 'rc')), tail: typeof tail === 'string' ? tail : '' },
    ];
  });

const phaseText = (phase: PhaseProgress, output: Output, now: Date): string => {
  const took = formatElapsed((phase.endedAt ?? now).getTime() - phase.startedAt.getTime());
  const status = paint(output, STYLE[phase.status], phase.status.padEnd(8));
  const head = `  ${phase.startedAt.toISOString()}  ${status} ${phase.title} (${took})\n`;
  const errors = phase.errors.map(({ error, message, remedy }) =>
    indent(`${paint(output, 'red', error)}: ${message}${remedy && `\nremedy: ${remedy}`}`),
  );
  const steps = stepsOf(phase).map(({ step, rc, tail }) => indent(`$ ${step} (exit ${rc})\n${tail}`));
  return head + errors.join('') + steps.join('');
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
