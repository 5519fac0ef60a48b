import type { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { TAG } from '#contract';
import { beManaged, boundTo, handOver, readSteps } from './managed-node-policy.ts';
import { allow, type PolicyScope, workerSecretsArn } from './statement.ts';

/**
 * What a worker may do: be managed, read its own secret, hand over a credential it was asked for. No CreateTags and no
 * PutEvents: a node can neither make another machine a target nor forge an event.
 */
export const workerStatements = (scope: PolicyScope): PolicyStatement[] => [
  ownSecret(scope),
  ...handOver(scope, 'ec2:SourceInstanceARN'),
  beManaged(),
  readSteps(scope, ['*']),
];

/**
 * `ec2:SourceInstanceARN` is in every request signed with an instance's credentials. A secret is born with the tag
 * `unbound`, which equals no instance's ARN: closed until LaunchInstance binds it.
 */
const ownSecret = (scope: PolicyScope): PolicyStatement =>
  allow(['secretsmanager:GetSecretValue'], [workerSecretsArn(scope)], boundTo(TAG.instance, 'ec2:SourceInstanceARN'));
