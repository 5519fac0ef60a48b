import { flatten, type Resource, resourcesOf, synthesise } from './app.ts';

export interface Retrier {
  readonly ErrorEquals: readonly string[];
  readonly IntervalSeconds: number;
  readonly MaxAttempts: number;
  readonly BackoffRate: number;
  readonly MaxDelaySeconds: number;
  readonly JitterStrategy: string;
}
export interface Catcher {
  readonly ErrorEquals: readonly string[];
  readonly Next: string;
  readonly Assign?: Readonly<Record<string, unknown>>;
}
export interface State {
  readonly Type: string;
  readonly Next?: string;
  readonly End?: boolean;
  readonly Default?: string;
  readonly Choices?: readonly { readonly Next: string; readonly Condition?: string }[];
  readonly Output?: unknown;
  readonly Catch?: readonly Catcher[];
  readonly Retry?: readonly Retrier[];
  readonly TimeoutSeconds?: number;
  readonly Resource?: string;
  readonly Arguments?: { readonly FunctionName: string; readonly Payload: unknown };
  readonly Assign?: Readonly<Record<string, unknown>>;
  readonly Branches?: readonly Graph[];
  readonly ItemProcessor?: Graph;
  readonly MaxConcurrency?: number;
}
export interface Graph {
  readonly StartAt: string;
  readonly States: Readonly<Record<string, State>>;
}
export interface Machine extends Graph {
  readonly QueryLanguage: string;
  readonly TimeoutSeconds: number;
}

const isMachine = ({ Type }: Resource): boolean => Type === 'AWS::StepFunctions::StateMachine';

/** Definitions of the synthesised machines, by their names without the fleet's prefix. */
export const synthesisedMachines = (overrides: Record<string, unknown> = {}): Readonly<Record<string, Machine>> => {
  const machines = Object.values(resourcesOf(synthesise(overrides).fleet)).filter(isMachine);
  return Object.fromEntries(
    machines.map(({ Properties }) => [
      String(Properties.StateMachineName).replace('carrierarr-', ''),
      JSON.parse(String(flatten(Properties.DefinitionString))) as Machine,
    ]),
  );
};

/** Every state, those of branches and item processors too. */
export const allStates = (graph: Graph): [string, State][] =>
  Object.entries(graph.States).flatMap(([name, state]) => [
    [name, state] as [string, State],
    ...[...(state.Branches ?? []), ...(state.ItemProcessor === undefined ? [] : [state.ItemProcessor])].flatMap(
      allStates,
    ),
  ]);

const collect = (value: unknown, found: string[] = []): string[] => {
  if (typeof value === 'string') found.push(value);
  else if (typeof value === 'object' && value !== null) for (const item of Object.values(value)) collect(item, found);
  return found;
};

/** Every JSONata expression of a machine, without its braces. */
export const expressionsOf = (graph: Graph): string[] =>
  collect(graph).flatMap((text) => /^\{%(?<expression>.*)%\}$/s.exec(text)?.groups?.expression ?? []);

/** States that may follow, those of catches too. */
export const followers = ({ Next, Default, Choices = [], Catch = [] }: State): string[] =>
  [Next, Default, ...Choices.map((choice) => choice.Next), ...Catch.map((caught) => caught.Next)].flatMap(
    (name) => name ?? [],
  );

/** Graphs inside a state. */
export const innerGraphs = ({ Branches = [], ItemProcessor }: State): readonly Graph[] => [
  ...Branches,
  ...(ItemProcessor === undefined ? [] : [ItemProcessor]),
];

/**
 * The greatest sum of weights on any way through a graph. A loop counts once: what it may take in all belongs into the
 * weight of its first state. Branches of a parallel state run side by side, so that the longest counts.
 */
export const longestWay = (graph: Graph, weigh: (name: string, state: State) => number): number => {
  const known = new Map<string, number>();
  const from = (name: string, way: ReadonlySet<string>): number => {
    const state = graph.States[name];
    if (state === undefined || way.has(name)) return 0;
    const before = known.get(name);
    if (before !== undefined) return before;
    const inside = Math.max(0, ...innerGraphs(state).map((inner) => longestWay(inner, weigh)));
    const onwards = Math.max(0, ...followers(state).map((next) => from(next, new Set([...way, name]))));
    known.set(name, weigh(name, state) + inside + onwards);
    return weigh(name, state) + inside + onwards;
  };
  return from(graph.StartAt, new Set());
};
