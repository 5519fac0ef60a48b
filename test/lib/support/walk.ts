import jsonata from 'jsonata';
import type { Capability } from '#contract';
import type { Graph, Machine, State } from './machines.ts';

/** A call of a Lambda, as a state made it. */
export interface Call {
  readonly state: string;
  readonly capability: Capability;
  readonly operation: string;
  readonly payload: Readonly<Record<string, unknown>>;
}

/** An error as a function throws it. */
export class Thrown extends Error {
  constructor(name: string, message = 'on purpose') {
    super(message);
    this.name = name;
  }
}

export interface Walk {
  /** States entered, in order; those of side-by-side branches one branch after the other. */
  readonly states: string[];
  readonly calls: Call[];
  readonly output: unknown;
  /** The error the execution ends in. */
  readonly error: { readonly name: string; readonly cause: string } | undefined;
}

type Variables = Record<string, unknown>;
interface Walker {
  readonly states: string[];
  readonly calls: Call[];
  readonly reply: (call: Call) => unknown;
}
interface Place {
  readonly outer: Variables;
  readonly own: Variables;
}

const CONTEXT = { Execution: { Id: 'arn:aws:states:us-west-2:111122223333:execution:carrierarr-provision:w1-abcdef' } };

export const capabilityOf = ({ Arguments }: State): Capability =>
  /^<Functions(?<name>[a-z]+)Function/
    .exec(Arguments?.FunctionName ?? '')
    ?.groups?.name?.replace('runcommand', 'run-command') as Capability;

const compiled = new Map<string, jsonata.Expression>();

/** Walks meet the same expressions again and again. */
const compile = (expression: string): jsonata.Expression => {
  const known = compiled.get(expression);
  if (known !== undefined) return known;
  const fresh = jsonata(expression);
  fresh.registerFunction('parse', (text: string) => JSON.parse(text) as unknown);
  compiled.set(expression, fresh);
  return fresh;
};

/**
 * A template with its expressions evaluated. An expression without a value is what ends an execution of Step Functions
 * without a catch: here it ends the test.
 */
const evaluate = async (template: unknown, states: Variables, variables: Variables): Promise<unknown> => {
  if (Array.isArray(template)) return await Promise.all(template.map((item) => evaluate(item, states, variables)));
  if (typeof template === 'object' && template !== null) {
    const entries = Object.entries(template).map(async ([key, value]) => [
      key,
      await evaluate(value, states, variables),
    ]);
    return Object.fromEntries((await Promise.all(entries)) as [string, unknown][]) as unknown;
  }
  const expression = typeof template === 'string' ? /^\{%(.*)%\}$/s.exec(template)?.[1] : undefined;
  if (expression === undefined) return template;
  const value: unknown = await compile(expression).evaluate(
    {},
    { ...variables, states: { context: CONTEXT, ...states } },
  );
  if (value === undefined) throw new TypeError(`no value: ${expression}`);
  return JSON.parse(JSON.stringify(value)) as unknown;
};

const assign = async (holder: { Assign?: unknown }, states: Variables, place: Place): Promise<void> => {
  const values = (await evaluate(holder.Assign ?? {}, states, { ...place.outer, ...place.own })) as Variables;
  for (const name of Object.keys(values)) {
    if (Object.hasOwn(place.outer, name)) throw new TypeError(`variable ${name} of an outer scope is assigned inside`);
  }
  Object.assign(place.own, values);
};

const result = async (walker: Walker, name: string, state: State, input: unknown, place: Place): Promise<unknown> => {
  const variables = { ...place.outer, ...place.own };
  if (state.Type === 'Parallel') {
    const outputs: unknown[] = [];
    for (const branch of state.Branches ?? []) {
      outputs.push(await follow(walker, branch, input, { outer: variables, own: {} }));
    }
    return outputs;
  }
  if (state.Type !== 'Task') return input;
  const payload = (await evaluate(state.Arguments?.Payload, { input }, variables)) as Record<string, unknown>;
  const call = { state: name, capability: capabilityOf(state), operation: String(payload.operation), payload };
  walker.calls.push(call);
  return { Payload: walker.reply(call) };
};

const chosen = async (state: State, input: unknown, place: Place): Promise<string | undefined> => {
  for (const { Condition, Next } of state.Choices ?? []) {
    if ((await evaluate(Condition, { input }, { ...place.outer, ...place.own })) === true) return Next;
  }
  return state.Default;
};

interface Onwards {
  readonly name: string | undefined;
  readonly input: unknown;
}

/** What a state makes of its input, and where it goes on. */
const pass = async (walker: Walker, name: string, state: State, input: unknown, place: Place): Promise<Onwards> => {
  const raw = await result(walker, name, state, input, place);
  const variables = { ...place.outer, ...place.own };
  if (state.Type === 'Fail') {
    const { Error: error, Cause } = (await evaluate(state, { input }, variables)) as Record<string, string>;
    throw new Thrown(error ?? '', Cause);
  }
  await assign(state, { input, result: raw }, place);
  const output = state.Output === undefined ? raw : await evaluate(state.Output, { input, result: raw }, variables);
  return { name: state.Type === 'Choice' ? await chosen(state, output, place) : state.Next, input: output };
};

/** Where an error leads; it goes on upwards where nothing catches it. */
const handle = async (state: State, error: unknown, input: unknown, place: Place): Promise<Onwards> => {
  const caught = error instanceof Thrown ? state.Catch?.find(matches(error)) : undefined;
  if (!(error instanceof Thrown) || caught === undefined) throw error;
  const errorOutput = { Error: error.name, Cause: JSON.stringify({ errorMessage: error.message }) };
  await assign(caught, { input, errorOutput }, place);
  return { name: caught.Next, input: errorOutput };
};

/** Goes from state to state until one ends the graph. */
const follow = async (walker: Walker, graph: Graph, begin: unknown, place: Place): Promise<unknown> => {
  let at: Onwards = { name: graph.StartAt, input: begin };
  while (at.name !== undefined) {
    const { name, input }: Onwards = at;
    const state: State | undefined = graph.States[at.name];
    if (state === undefined || name === undefined) throw new TypeError(`no state ${name}`);
    walker.states.push(name);
    try {
      at = await pass(walker, name, state, input, place);
    } catch (error) {
      at = await handle(state, error, input, place);
    }
  }
  return at.input;
};

const matches =
  (error: Thrown) =>
  ({ ErrorEquals }: { readonly ErrorEquals: readonly string[] }): boolean =>
    ErrorEquals.includes(error.name) ||
    (ErrorEquals.includes('States.ALL') && error.name !== 'States.DataLimitExceeded');

/**
 * Walks a definition as Step Functions would: JSONata, variables and their scopes, choices, catches. Nothing waits and
 * nothing is retried; `reply` plays the functions, and throws a {@link Thrown} where one fails.
 */
export const walk = async (machine: Machine, input: unknown, reply: (call: Call) => unknown): Promise<Walk> => {
  const walker: Walker = { states: [], calls: [], reply };
  try {
    const output = await follow(walker, machine, input, { outer: {}, own: {} });
    return { states: walker.states, calls: walker.calls, output, error: undefined };
  } catch (error) {
    if (!(error instanceof Thrown)) throw error;
    const { name, message: cause } = error;
    return { states: walker.states, calls: walker.calls, output: undefined, error: { name, cause } };
  }
};
