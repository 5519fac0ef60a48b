import type { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { TAG } from '#contract';
import { imageParameterArns } from './image-arns.ts';
import { allow, allowEverywhere, ec2Arn, handoverSecretsArn, type PolicyScope, workerSecretsArn } from './statement.ts';

/** Takes away what carries the fleet's tag, and looks for what is left. */
export const removeWorkers = (scope: PolicyScope): PolicyStatement[] => {
  const ours = { StringEquals: { [`aws:ResourceTag/${TAG.fleet}`]: scope.config.fleet } };
  const secrets = [workerSecretsArn(scope), handoverSecretsArn(scope)];
  return [
    allow(['ec2:TerminateInstances'], [ec2Arn(scope, 'instance')], {
      ...ours,
      Null: { [`aws:ResourceTag/${TAG.worker}`]: 'false' },
    }),
    // A Spot request carries no tag of ours; its id comes from an instance that does.
    allow(['ec2:CancelSpotInstanceRequests'], [ec2Arn(scope, 'spot-instances-request')]),
    // Only when a teardown is asked for it, and never an image of somebody else's.
    allow(['ec2:DeregisterImage', 'ec2:DeleteSnapshot'], [ec2Arn(scope, 'image', ''), ec2Arn(scope, 'snapshot', '')], {
      StringEquals: { 'ec2:Owner': scope.stack.account },
    }),
    allow(['secretsmanager:DeleteSecret'], secrets, ours),
    allow(['secretsmanager:DescribeSecret'], secrets),
    // An image that a role still boots from must not be deregistered.
    allow(['ssm:GetParameter'], imageParameterArns(scope)),
    allowEverywhere([
      'ec2:DescribeInstances',
      'ec2:DescribeVolumes',
      'ec2:DescribeNetworkInterfaces',
      'ec2:DescribeSpotInstanceRequests',
      'ec2:DescribeImages',
      'secretsmanager:ListSecrets',
    ]),
  ];
};
