import type { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { TAG } from '#contract';
import {
  allow,
  allowEverywhere,
  documentArns,
  handoverSecretsArn,
  type PolicyScope,
  policyVariable,
} from './statement.ts';

/** What every node may do, on EC2 and in the homelab: be managed, read its steps, hand a credential over. */

/** Key of a request that carries the ARN of the machine whose credentials signed it. */
export type SourceArnKey = 'ec2:SourceInstanceARN' | 'ssm:SourceInstanceARN';

/** Written by hand instead of AmazonSSMManagedInstanceCore, which reads every parameter of the account. */
export const beManaged = (): PolicyStatement =>
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

export const readSteps = (scope: PolicyScope, steps: readonly string[]): PolicyStatement =>
  allow(['ssm:GetDocument', 'ssm:DescribeDocument'], documentArns(scope, steps));

/** A secret whose tag names the asking machine. One that is bound to nobody equals no machine's ARN. */
export const boundTo = (tag: string, source: SourceArnKey): Record<string, Record<string, unknown>> => ({
  StringEquals: { [`aws:ResourceTag/${tag}`]: policyVariable(source) },
  Null: { [source]: 'false' },
});

/** Each handover has one writer and one reader, named by its tags. */
export const handOver = (scope: PolicyScope, source: SourceArnKey): PolicyStatement[] => [
  allow(['secretsmanager:PutSecretValue'], [handoverSecretsArn(scope)], boundTo(TAG.writer, source)),
  allow(['secretsmanager:GetSecretValue'], [handoverSecretsArn(scope)], boundTo(TAG.instance, source)),
];
