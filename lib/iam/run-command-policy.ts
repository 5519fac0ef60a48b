import type { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { documentName, STEPS, TAG } from '#contract';
import { allow, allowEverywhere, ec2Arn, type PolicyScope } from './statement.ts';

/** Our documents on our workers. SendCommand authorises document and target separately, so each is bounded alone. */
export const runSteps = (scope: PolicyScope): PolicyStatement[] => [
  allow(
    ['ssm:SendCommand'],
    Object.keys(STEPS).map((step) =>
      scope.stack.formatArn({
        service: 'ssm',
        resource: 'document',
        resourceName: documentName(scope.config.fleet, step),
      }),
    ),
  ),
  allow(['ssm:SendCommand'], [ec2Arn(scope, 'instance')], {
    StringEquals: { [`ssm:resourceTag/${TAG.fleet}`]: scope.config.fleet },
    Null: { [`ssm:resourceTag/${TAG.worker}`]: 'false' },
  }),
  allowEverywhere(['ssm:GetCommandInvocation', 'ssm:CancelCommand', 'ssm:DescribeInstanceInformation']),
];
