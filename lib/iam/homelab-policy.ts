import type { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { HOMELAB_ROLE, HOMELAB_STEPS, TAG } from '#contract';
import { homelabNodeRoleName, roleArn } from '../names.ts';
import { beManaged, handOver, readSteps } from './managed-node-policy.ts';
import { allow, allowEverywhere, managedInstancesArn, type PolicyScope } from './statement.ts';

/** What the homelab's node may do: be managed, and the one end of a handover that is bound to it. */
export const homelabNodeStatements = (scope: PolicyScope): PolicyStatement[] => [
  ...handOver(scope, 'ssm:SourceInstanceARN'),
  beManaged(),
  readSteps(scope, Object.keys(HOMELAB_STEPS)),
];

/** What a person needs to activate the homelab's node and to take it away again. */
export const activateHomelab = (scope: PolicyScope): PolicyStatement[] => {
  const { fleet } = scope.config;
  const ofFleet = { [`ssm:resourceTag/${TAG.fleet}`]: fleet, [`ssm:resourceTag/${TAG.role}`]: HOMELAB_ROLE };
  return [
    allowEverywhere(['ssm:CreateActivation', 'ssm:DeleteActivation', 'ssm:DescribeActivations']),
    // Tags given with an activation reach the node: without this none could be given.
    allow(['ssm:AddTagsToResource'], [managedInstancesArn(scope)], {
      StringEquals: { [`aws:RequestTag/${TAG.fleet}`]: fleet, [`aws:RequestTag/${TAG.role}`]: HOMELAB_ROLE },
    }),
    allow(['ssm:DeregisterManagedInstance'], [managedInstancesArn(scope)], { StringEquals: ofFleet }),
    allow(['iam:PassRole'], [roleArn(scope.stack, homelabNodeRoleName(scope.config))], {
      StringEquals: { 'iam:PassedToService': 'ssm.amazonaws.com' },
    }),
  ];
};
