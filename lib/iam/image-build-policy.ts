import type { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { componentArns, imageLogArns } from './image-arns.ts';
import { beManaged } from './managed-node-policy.ts';
import { allow, type PolicyScope } from './statement.ts';

/**
 * What a machine may do that becomes an image. Written by hand after AWS's EC2InstanceProfileForImageBuilder, which
 * opens every component and log group of Image Builder in the account.
 */
export const buildImages = (scope: PolicyScope): PolicyStatement[] => [
  beManaged(),
  allow(['imagebuilder:GetComponent'], componentArns(scope)),
  // AWS's own buckets with the program that carries out components.
  allow(['s3:GetObject'], [`arn:${scope.stack.partition}:s3:::ec2imagebuilder*`]),
  allow(['logs:CreateLogStream', 'logs:PutLogEvents'], imageLogArns(scope)),
];
