import type { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { HOMELAB_ROLE, HOMELAB_STEPS, STEPS, TAG } from '#contract';
import { allow, allowEverywhere, documentArns, ec2Arn, managedInstancesArn, type PolicyScope } from './statement.ts';

/**
 * SendCommand authorises document and target separately, so each is bounded alone: with both kinds in one role, any of
 * our documents could go to any of our nodes.
 */
const FOLLOW = ['ssm:GetCommandInvocation', 'ssm:CancelCommand', 'ssm:DescribeInstanceInformation'] as const;

/** Documents of workers on workers. */
export const runSteps = (scope: PolicyScope): PolicyStatement[] => [
  allow(['ssm:SendCommand'], documentArns(scope, Object.keys(STEPS))),
  allow(['ssm:SendCommand'], [ec2Arn(scope, 'instance')], {
    StringEquals: { [`ssm:resourceTag/${TAG.fleet}`]: scope.config.fleet },
    Null: { [`ssm:resourceTag/${TAG.worker}`]: 'false' },
  }),
  allowEverywhere(FOLLOW),
];

/** Documents of the homelab on the homelab's node. */
export const runHomelabSteps = (scope: PolicyScope): PolicyStatement[] => [
  allow(['ssm:SendCommand'], documentArns(scope, Object.keys(HOMELAB_STEPS))),
  allow(['ssm:SendCommand'], [managedInstancesArn(scope)], {
    StringEquals: {
      [`ssm:resourceTag/${TAG.fleet}`]: scope.config.fleet,
      [`ssm:resourceTag/${TAG.role}`]: HOMELAB_ROLE,
    },
  }),
  allowEverywhere(FOLLOW),
];
