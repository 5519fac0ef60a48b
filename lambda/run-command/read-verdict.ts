import * as z from 'zod';
import { StepResult } from '#contract';
import type { Invocation } from './port.ts';
import { stripControl } from './strip-control.ts';

/** Enough for a reader, little enough for the history of an execution. Characters. */
const TAIL_LIMIT = 1_500;

const parseLine = (line: string): unknown => {
  try {
    return JSON.parse(line, (_, value: unknown) => (typeof value === 'string' ? stripControl(value) : value));
  } catch {
    return undefined;
  }
};

/** The JSON line a step ends its output with; undefined where the script did not get that far. */
export const readVerdict = ({ stdout }: Invocation, step: string): StepResult | undefined => {
  const last = stdout.trimEnd().split('\n').at(-1) ?? '';
  const verdict = StepResult.safeParse(parseLine(last));
  return verdict.success && verdict.data.step === step ? verdict.data : undefined;
};

/** Why a step failed, in its own words where it had any: the reason it gave and the last lines of its output. */
export const lastWords = (invocation: Invocation, verdict: StepResult | undefined): string => {
  const reason = typeof verdict?.reason === 'string' ? verdict.reason : '';
  const output =
    verdict === undefined ? stripControl(`${invocation.stdout}\n${invocation.stderr}`) : (verdict.tail ?? '');
  return [reason, output.trim().slice(-TAIL_LIMIT)].filter((part) => part !== '').join('\n') || 'no output';
};

const Findings = z.array(
  z.looseObject({
    ok: z.boolean().optional(),
    name: z.string().optional(),
    what: z.string().optional(),
    got: z.string().optional(),
    detail: z.string().optional(),
    remedy: z.string().optional(),
  }),
);
type Finding = z.infer<typeof Findings>[number];

const describeFinding = ({ name, what, got, detail, remedy }: Finding): string => {
  const said = [name ?? what, got ?? detail].filter((part) => part !== undefined && part !== '').join(': ');
  return remedy === undefined || remedy === '' ? said : `${said} (${remedy})`;
};

/** The faults a step has found and the checks that did not pass, each with its remedy; empty where it names none. */
export const describeFindings = ({ faults, checks }: StepResult): string =>
  [faults, checks]
    .flatMap((list) => Findings.safeParse(list).data ?? [])
    .filter(({ ok }) => ok !== true)
    .map(describeFinding)
    .join(' | ');
