import { Chain, Choice, Condition, Wait, WaitTime } from 'aws-cdk-lib/aws-stepfunctions';
import type { LambdaInvoke } from 'aws-cdk-lib/aws-stepfunctions-tasks';
import type { Construct } from 'constructs';

/**
 * Seconds until the next look: 2 in the first 30 s, then 4 to 6, spread so that a hundred workers do not ask at once.
 * @param since - JSONata variable with the instant of the beginning, epoch milliseconds
 */
export const pauseExpression = (since: string): string =>
  `{% $millis() - $${since} < 30000 ? 2 : 4 + $floor($random() * 3) %}`;

export interface PollProps {
  /** Stage that the states belong to; their names start with it. */
  readonly stage: string;
  /** The look itself; it throws once its limit is passed, so that the loop ends. */
  readonly look: LambdaInvoke;
  /** Field of its output that is true at the end. */
  readonly until: string;
  readonly since: string;
}

/** look → done? → otherwise wait → look. The chain goes on where it is done. */
export const pollUntil = (scope: Construct, { stage, look, until, since }: PollProps): Chain => {
  const wait = Wait.jsonata(scope, `${stage}Wait`, { time: WaitTime.seconds(pauseExpression(since)) });
  const done = Choice.jsonata(scope, `${stage}Done`);
  // Closed first: the chain's open ends are found by following what is connected.
  look.next(done);
  done.when(Condition.jsonata(`{% $not($states.input.${until}) %}`), wait.next(look));
  return Chain.custom(look, done.afterwards({ includeOtherwise: true }).endStates, done);
};
