import aslValidator from 'asl-validator';
import jsonata from 'jsonata';
import { describe, expect, it } from 'vitest';
import {
  HOMELAB_STEPS,
  LAUNCH_CONSISTENCY_SECONDS,
  LAUNCH_TIMEOUT_SECONDS,
  OPERATIONS,
  STEPS,
  type Step,
  TEARDOWN_LEASE_SECONDS,
} from '#contract';
import { knownPhase } from '../../cli/progress/phases.ts';
import { DEFAULTS } from '../../lib/config/defaults.ts';
import { ENTRY_POINTS } from '../../lib/entry-points.ts';
import { RETRIED_ERRORS } from '../../lib/state-machines/operation.ts';
import {
  allStates,
  expressionsOf,
  type Graph,
  longestWay,
  type State,
  synthesisedMachines,
} from './support/machines.ts';
import { capabilityOf } from './support/walk.ts';

const machines = synthesisedMachines();
const named = Object.entries(machines);
const machine = (name: string) => {
  const found = machines[name];
  if (found === undefined) throw new Error(`no machine ${name}`);
  return found;
};
const tasksOf = (graph: Graph): [string, State][] => allStates(graph).filter(([, { Type }]) => Type === 'Task');
const payloadOf = ({ Arguments }: State): string => JSON.stringify(Arguments?.Payload);
const operationOf = (state: State): string =>
  /['"]operation\\?['"]: ?\\?['"](?<name>\w+)/.exec(payloadOf(state))?.groups?.name ?? '';

describe.each(named)('machine %s', (_, definition) => {
  it('is valid to asl-validator', () => {
    expect(aslValidator(definition)).toMatchObject({ isValid: true, errors: [] });
  });

  it('speaks JSONata that the reference engine reads', () => {
    expect(definition.QueryLanguage).toBe('JSONata');
    for (const expression of expressionsOf(definition)) expect(() => jsonata(expression), expression).not.toThrow();
  });

  it('reads no variable that nobody sets', () => {
    const assigned = allStates(definition)
      .flatMap(([, state]) => [state, ...(state.Catch ?? [])])
      .flatMap((holder) => Object.keys((holder as State).Assign ?? {}));
    for (const expression of expressionsOf(definition)) {
      const local = [...expression.matchAll(/\$(\w+) *:=/g)].map(([, name]) => name);
      const used = [...expression.matchAll(/\$(\w+)(?!\w*\()/g)].map(([, name]) => name);

      expect([...assigned, ...local, 'states'], expression).toEqual(expect.arrayContaining(used));
    }
  });

  it('calls operations of the contract, with the input that the contract wants', () => {
    for (const [name, state] of tasksOf(definition)) {
      const operations: Record<string, { input: { shape: object } }> = OPERATIONS[capabilityOf(state)] as never;
      const operation = operations[operationOf(state)];

      expect(Object.keys(operations), name).toContain(operationOf(state));
      for (const field of Object.keys(operation?.input.shape ?? {})) expect(payloadOf(state), name).toContain(field);
    }
  });

  it('limits and repeats every task: for named errors that pass by themselves, with jitter', () => {
    for (const [name, state] of tasksOf(definition)) {
      expect(state.TimeoutSeconds, name).toBeGreaterThan(ENTRY_POINTS[capabilityOf(state)].timeoutSeconds);
      expect(state.Retry, name).toHaveLength(1);
      expect(state.Retry?.[0], name).toMatchObject({ ErrorEquals: RETRIED_ERRORS, JitterStrategy: 'FULL' });
    }
  });
});

describe('limits', () => {
  const ALL_STEPS: Readonly<Record<string, Step>> = { ...STEPS, ...HOMELAB_STEPS };
  /** Delivery of a step's document, its own time, and what the poll waits beyond it. */
  const ofStep = (state: State): number => {
    const step = /"step":"(?<step>[a-z-]+)"/.exec(payloadOf(state))?.groups?.step;
    return operationOf(state) === 'start' && step !== undefined ? 60 + (ALL_STEPS[step]?.timeoutSeconds ?? 0) + 30 : 0;
  };
  /** Wall-clock limits of the other loops, which the functions keep. */
  const LOOPS: Record<string, number> = {
    AwaitCluster: DEFAULTS.limits.clusterSeconds,
    AwaitSsm: DEFAULTS.limits.ssmOnlineSeconds,
    TerminateInstance: DEFAULTS.limits.terminateSeconds,
    Prove: 120 + LAUNCH_TIMEOUT_SECONDS + LAUNCH_CONSISTENCY_SECONDS,
  };

  const waiting = (name: string, state: State): number =>
    state.Type === 'Task' ? ofStep(state) + (LOOPS[name] ?? 0) : 0;

  /** Errors that are repeated come quickly: every pause is as long as it gets, and the last attempt takes its all. */
  const worstSeconds = ({ TimeoutSeconds = 0, Retry = [] }: State): number =>
    Retry.reduce((sum, { MaxAttempts, IntervalSeconds, BackoffRate, MaxDelaySeconds }) => {
      const pauses = Array.from({ length: MaxAttempts }, (_, n) =>
        Math.min(MaxDelaySeconds, IntervalSeconds * BackoffRate ** n),
      );
      return sum + pauses.reduce((a, b) => a + b, 0);
    }, TimeoutSeconds);

  const worst = (graph: Graph): number =>
    longestWay(graph, (name, state) => (state.Type === 'Task' ? worstSeconds(state) : 0) + waiting(name, state));

  const everything = synthesisedMachines({ liqo: { direction: 'both' }, cilium: { clusterMesh: true } });

  it.each(['provision', 'teardown', 'sweep'])('of the states of %s fit into that of the machine', (name) => {
    expect(worst(machine(name))).toBeLessThan(machine(name).TimeoutSeconds);
    expect(worst(everything[name] ?? machine(name))).toBeLessThan(machine(name).TimeoutSeconds);
  });

  it('of a teardown’s waits fit into its lease, so that no second one begins beside it', () => {
    const busy = (graph: Graph): number => longestWay(graph, waiting);

    expect(busy(machine('teardown'))).toBeLessThan(TEARDOWN_LEASE_SECONDS);
    expect(busy(everything.teardown ?? machine('teardown'))).toBeLessThan(TEARDOWN_LEASE_SECONDS);
  });

  it('of renew are enough for a hundred workers', () => {
    const { States, TimeoutSeconds } = machine('renew');
    const { ItemProcessor, MaxConcurrency = 0 } = States.RenewEach ?? {};
    if (ItemProcessor === undefined) throw new Error('RenewEach is no Map');

    expect(MaxConcurrency).toBe(5);
    expect(worst(ItemProcessor) * (100 / MaxConcurrency)).toBeLessThan(TimeoutSeconds);
  });

  it('keep the history of the longest provision below what Step Functions holds', () => {
    // A round of a poll: task entered, scheduled, started, succeeded, exited; choice and wait, two each; some room.
    const eventsPerSecond = 10 / 4;

    expect(longestWay(machine('provision'), waiting) * eventsPerSecond).toBeLessThan(25_000);
  });
});

describe('roll-back', () => {
  const { States } = machine('provision');

  it('begins after the reservation: a name of others is pointed to, not undone', () => {
    expect(States.ReserveWorker?.Catch).toBeUndefined();
    expect(States.ReserveWorkerOutcome).toMatchObject({ Default: 'Provision' });
    expect(States.ReserveWorkerOutcome?.Choices?.map(({ Next }) => Next)).toEqual(['ReservedByAnother']);
  });

  it('catches what States.ALL does not, too', () => {
    for (const name of ['Provision', 'RollBack']) {
      expect(States[name]?.Catch?.map(({ ErrorEquals }) => ErrorEquals)).toEqual([
        ['States.DataLimitExceeded'],
        ['States.ALL'],
      ]);
    }
  });

  it('runs the teardown’s own steps', () => {
    const [branch] = States.RollBack?.Branches ?? [];
    const own = Object.entries(machine('teardown').States);

    expect(Object.keys(branch?.States ?? {})).toEqual(own.map(([name]) => name));
    for (const [name, state] of own.filter(([id]) => id !== 'FenceWorker')) expect(branch?.States[name]).toEqual(state);
  });

  it('ends with the first error, whether or not it succeeds', () => {
    expect(States.RollBack).toMatchObject({ Next: 'ProvisionFailed' });
    expect(States.RollBack?.Catch?.map(({ Next }) => Next)).toEqual(['ProvisionFailed', 'ProvisionFailed']);
    expect(States.RecordFailure?.Catch?.[0]).toMatchObject({ Next: 'RollBack' });
    expect(States.ProvisionFailed).toMatchObject({ Error: '{% $failure.error %}', Cause: '{% $failure.cause %}' });
  });
});

describe('names of states', () => {
  it('belong to a phase that a person sees', () => {
    const strangers = ['provision', 'teardown', 'renew', 'sweep']
      .flatMap((name) => tasksOf(machine(name)))
      .map(([name]) => name)
      .filter((name) => knownPhase(name) === undefined);

    expect(strangers).toEqual([]);
  });
});

describe('teardown', () => {
  const { States } = machine('teardown');

  it('carries on to the termination from what must not keep the instance alive', () => {
    expect(States.CancelCommand?.Catch?.[0]).toMatchObject({ Next: 'CancelCommandHomelabOpen' });
    expect(States.CancelCommandHomelab?.Catch?.[0]).toMatchObject({ Next: 'DrainNodeRole' });
    expect(States.DrainNodePoll?.Catch?.[0]).toMatchObject({ Next: 'RevokeIdentity' });
    expect(States.RevokeIdentity?.Catch?.[0]).toMatchObject({ Next: 'TerminateInstance' });
    expect(States.DeregisterImage?.Catch?.[0]).toMatchObject({ Next: 'ProveBegin' });
  });

  it('releases no address before the instance is gone', () => {
    expect(States.TerminateInstance?.Catch).toBeUndefined();
    expect(States.TerminateInstanceDone).toMatchObject({ Default: 'ReleaseAddress' });
  });

  it('touches nothing while another teardown is at it', () => {
    expect(States.FenceWorkerBusy?.Choices?.map(({ Next }) => Next)).toEqual(['FencedByAnother']);
    expect(States.FencedByAnother).toMatchObject({ End: true });
  });
});

describe('the order of states', () => {
  const next = ({ Next, Default, Choices = [] }: State): string =>
    [...Choices.map((choice) => choice.Next), Default ?? Next ?? '.'].join(' | ');
  const outline = (graph: Graph, indent = ''): string =>
    Object.entries(graph.States)
      .map(([name, state]) => {
        const inner = [...(state.Branches ?? []), state.ItemProcessor].flatMap((item) => item ?? []);
        return `${indent}${name} → ${next(state)}\n${inner.map((item) => outline(item, `${indent}  `)).join('')}`;
      })
      .join('');

  it('is the one that was reviewed', () => {
    expect(named.map(([name, graph]) => `# ${name}\n${outline(graph)}`).join('\n')).toMatchSnapshot();
  });
});
