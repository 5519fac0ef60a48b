import type { BootMarkView } from '../../views.ts';

/** A stage of the boot, in seconds since the first mark. */
export interface BootStage {
  readonly title: string;
  readonly from: number;
  readonly seconds: number;
}

export interface Boot {
  readonly stages: readonly BootStage[];
  /** Every mark, seconds since the first. */
  readonly marks: readonly { readonly mark: string; readonly at: number }[];
  /** Seconds from the first mark to the end of the boot, or to the last mark where it did not end. */
  readonly total: number;
  readonly end: 'done' | 'failed' | 'under way';
}

type Ends = readonly [title: string, from: readonly string[], to: readonly string[]];

/** The stages of `carrierarr status`, of which the agent does not know the first, EC2's part; the first mark that exists counts. */
const STAGES: readonly Ends[] = [
  ['system start', ['kernel-start', 'userspace-start'], ['plain-start', 'boot-start']],
  ['installation', ['plain-start'], ['packages-installed']],
  ['config and secrets', ['boot-start'], ['identity-installed']],
  ['mesh', ['identity-installed'], ['mesh-address-up']],
  ['k3s', ['identity-installed'], ['k3s-ready']],
  ['Ollama', ['identity-installed'], ['ollama-ready']],
];

type Instants = ReadonlyMap<string, number>;

const firstOf = (instants: Instants, marks: readonly string[]): number | undefined =>
  marks.map((mark) => instants.get(mark)).find((at) => at !== undefined);

const stageOf = (instants: Instants, [title, from, to]: Ends): BootStage[] => {
  const begin = firstOf(instants, from);
  const end = firstOf(instants, to);
  return begin === undefined || end === undefined || end < begin ? [] : [{ title, from: begin, seconds: end - begin }];
};

const endOf = (instants: Instants): Boot['end'] => {
  if (instants.has('boot-failed')) return 'failed';
  return instants.has('boot-done') ? 'done' : 'under way';
};

/** The boot as a chart shows it; undefined where the node has told no marks. Of a mark made twice the first counts. */
export const bootOf = (timeline: readonly BootMarkView[]): Boot | undefined => {
  const timed = timeline
    .map(({ mark, at }) => ({ mark, at: at === null ? Number.NaN : Date.parse(at) / 1000 }))
    .filter(({ at }) => !Number.isNaN(at))
    .sort((one, other) => one.at - other.at);
  const start = timed[0]?.at;
  if (start === undefined) return undefined;
  const marks = timed.map(({ mark, at }) => ({ mark, at: at - start }));
  const instants = new Map(marks.toReversed().map(({ mark, at }) => [mark, at]));
  return {
    stages: STAGES.flatMap((stage) => stageOf(instants, stage)),
    marks,
    total: firstOf(instants, ['boot-done', 'boot-failed']) ?? marks.at(-1)?.at ?? 0,
    end: endOf(instants),
  };
};
