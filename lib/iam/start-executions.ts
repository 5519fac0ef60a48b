import type { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { executionsArn, stateMachineArn } from '../names.ts';
import { allow, type PolicyScope } from './statement.ts';

export const startOnly = (
  { stack, config }: PolicyScope,
  machines: readonly ('provision' | 'teardown' | 'sweep')[],
): PolicyStatement =>
  allow(
    ['states:StartExecution'],
    machines.map((machine) => stateMachineArn(stack, config.fleet, machine)),
  );

/** Starting executions and looking at them. Never redriving: a redrive runs on behind a fence that has fallen. */
export const startExecutions = (
  { stack, config }: PolicyScope,
  machines: readonly ('provision' | 'teardown')[],
): PolicyStatement[] => [
  startOnly({ stack, config }, machines),
  allow(
    ['states:DescribeExecution'],
    (['provision', 'teardown'] as const).map((machine) => executionsArn(stack, config.fleet, machine)),
  ),
];
