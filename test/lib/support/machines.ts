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
}
export interface State {
  readonly Type: string;
  readonly Next?: string;
  readonly End?: boolean;
  readonly Default?: string;
  readonly Choices?: readonly { readonly Next: string }[];
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
export const synthesisedMachines = (): Readonly<Record<string, Machine>> => {
  const machines = Object.values(resourcesOf(synthesise().fleet)).filter(isMachine);
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
