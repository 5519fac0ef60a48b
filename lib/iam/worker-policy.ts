import type { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { documentName, TAG } from '#contract';
import { allow, allowEverywhere, type PolicyScope, policyVariable, workerSecretsArn } from './statement.ts';

/**
 * What a worker may do: be managed, and read its own secret. Written by hand instead of AmazonSSMManagedInstanceCore,
 * which reads every parameter of the account. No CreateTags and no PutEvents: a node can neither make another machine
 * a target nor forge an event.
 */
export const workerStatements = (scope: PolicyScope): PolicyStatement[] => [
  ownSecret(scope),
  beManaged(),
  readSteps(scope),
];

/**
 * `ec2:SourceInstanceARN` is in every request signed with an instance's credentials. A secret is born with the tag
 * `unbound`, which equals no instance's ARN: closed until LaunchInstance binds it.
 */
const ownSecret = (scope: PolicyScope): PolicyStatement =>
  allow(['secretsmanager:GetSecretValue'], [workerSecretsArn(scope)], {
    StringEquals: { [`aws:ResourceTag/${TAG.instance}`]: policyVariable('ec2:SourceInstanceARN') },
    Null: { 'ec2:SourceInstanceARN': 'false' },
  });

const beManaged = (): PolicyStatement =>
  allowEverywhere([
    'ssm:UpdateInstanceInformation',
    'ssm:ListAssociations',
    'ssm:ListInstanceAssociations',
    'ssmmessages:CreateControlChannel',
    'ssmmessages:CreateDataChannel',
    'ssmmessages:OpenControlChannel',
    'ssmmessages:OpenDataChannel',
    'ec2messages:AcknowledgeMessage',
    'ec2messages:DeleteMessage',
    'ec2messages:FailMessage',
    'ec2messages:GetEndpoint',
    'ec2messages:GetMessages',
    'ec2messages:SendReply',
  ]);

const readSteps = ({ stack, config }: PolicyScope): PolicyStatement =>
  allow(
    ['ssm:GetDocument', 'ssm:DescribeDocument'],
    [stack.formatArn({ service: 'ssm', resource: 'document', resourceName: documentName(config.fleet, '*') })],
  );
