import { Chain, Choice, Condition, type IChainable, type INextable } from 'aws-cdk-lib/aws-stepfunctions';
import type { Construct } from 'constructs';

/** The way past a choice, for whatever is connected to it later. */
const past = (choice: Choice): INextable => ({
  next: (state) => {
    choice.otherwise(state);
    return Chain.sequence(choice, state);
  },
});

/** The states of `inner` where the condition holds; the chain goes on behind them in either case. */
export const onlyIf = (scope: Construct, id: string, condition: string, inner: IChainable): Chain => {
  const choice = Choice.jsonata(scope, id).when(Condition.jsonata(condition), inner);
  return Chain.custom(choice, [...inner.endStates, past(choice)], choice);
};

export interface Ways {
  readonly condition: string;
  readonly holds: IChainable;
  readonly otherwise: IChainable;
}

/** One way or the other; the chain goes on where both end. */
export const either = (scope: Construct, id: string, { condition, holds, otherwise }: Ways): Chain => {
  const choice = Choice.jsonata(scope, id).when(Condition.jsonata(condition), holds).otherwise(otherwise);
  return Chain.custom(choice, [...holds.endStates, ...otherwise.endStates], choice);
};

/** One after the other, without those that the configuration leaves out. */
export const sequence = (first: IChainable, ...rest: readonly (IChainable | undefined)[]): Chain =>
  rest.reduce<Chain>((chain, next) => (next === undefined ? chain : chain.next(next)), Chain.start(first));
