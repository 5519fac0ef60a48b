import { COLD_START_LIMIT_SECONDS, type ColdStart, type ColdStartStage, Timeline } from '#contract';

/** Marks after each other, or two clocks, may disagree by as much: EC2 tells the launch to the second. */
const SKEW_SECONDS = 5;

/** Instants in epoch seconds; of a mark that was made twice the first counts. */
type Instants = Readonly<Record<string, number | undefined>>;

const instantsOf = (timeline: Timeline): Instants =>
  Object.fromEntries(timeline.toReversed().map(({ at, mark }) => [mark, at]));

type Span = readonly [from: number | undefined, to: number | undefined];

/** Each stage's beginning and end. */
const spans = (launch: number, marks: Instants): Record<ColdStartStage, Span> => {
  // A container shares its host's kernel: there the first program's start stands for it.
  const machine = marks['kernel-start'] ?? marks['userspace-start'];
  const identity = marks['identity-installed'];
  return {
    instanceStart: [launch, machine],
    systemStart: [machine, marks['plain-start'] ?? marks['boot-start']],
    install: [marks['plain-start'], marks['packages-installed']],
    configAndSecrets: [marks['boot-start'], identity],
    mesh: [identity, marks['mesh-address-up']],
    k3s: [identity, marks['k3s-ready']],
    boot: [launch, marks['boot-done']],
    inService: [launch, marks['in-service']],
  };
};

const secondsOf = ([from, to]: Span): number | undefined => {
  if (from === undefined || to === undefined) return undefined;
  const seconds = Math.round((to - from) * 100) / 100;
  return seconds < -SKEW_SECONDS || seconds > COLD_START_LIMIT_SECONDS ? undefined : Math.max(0, seconds);
};

/**
 * What a node's marks say of its cold start; undefined where they say nothing.
 * @param launchedAt - as EC2 says, ISO 8601
 * @param timeline - as the step's verdict holds it, whatever that is
 */
export const measureColdStart = (launchedAt: string, timeline: unknown): ColdStart | undefined => {
  const marks = Timeline.safeParse(timeline);
  if (!marks.success) return undefined;
  const ends = spans(Date.parse(launchedAt) / 1000, instantsOf(marks.data));
  const stages = Object.fromEntries(
    Object.entries(ends).flatMap(([stage, span]) => {
      const seconds = secondsOf(span);
      return seconds === undefined ? [] : [[stage, seconds]];
    }),
  );
  return Object.keys(stages).length === 0 ? undefined : { launchedAt, stages };
};
