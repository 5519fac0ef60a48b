import { expect } from 'vitest';
import { type Finished, finished, historyOf, provision, start, teardown } from './executions.ts';
import { injectFaults, uniqueName } from './fleet.ts';
import { expectGone } from './remains.ts';

/** A lighthouse with a cluster of its own, so that scenarios run side by side. */
export const aLighthouse = async (hint: string): Promise<{ readonly name: string; readonly cluster: string }> => {
  const name = uniqueName(hint);
  const born = await provision({ name, role: 'lighthouse', cluster: name });
  expect(born, born.cause).toMatchObject({ status: 'SUCCEEDED' });
  return { name, cluster: name };
};

/** The step ends as its script would: with a verdict that gives a reason. */
export const failStep = (worker: string, step: string, reason = `${step} said no`): Promise<void> => {
  const output = `${JSON.stringify({ step, ok: false, rc: 1, reason, tail: '' })}\n`;
  return injectFaults({ service: 'node', action: step, match: worker, effect: { kind: 'exit', code: 1, output } });
};

/** Names of the states an execution has entered, in order. */
export const statesOf = async (arn: string): Promise<string[]> =>
  (await historyOf(arn)).flatMap((event) => event.stateEnteredEventDetails?.name ?? []);

export const startBoth = (...requests: readonly Record<string, unknown>[]): Promise<string[]> =>
  Promise.all(requests.map((request) => start('provisionStateMachine', request)));

export const allFinished = (arns: readonly string[]): Promise<Finished[]> =>
  Promise.all(arns.map((arn) => finished(arn)));

/** Takes workers away one after another, and is sure of it. */
export const remove = async (...names: readonly string[]): Promise<void> => {
  for (const name of names) {
    expect((await teardown({ name })).status).toBe('SUCCEEDED');
    await expectGone(name);
  }
};
