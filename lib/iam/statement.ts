import type { Stack } from 'aws-cdk-lib';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { documentName } from '#contract';
import type { Config } from '../config.ts';
import { managedInstanceArn } from '../names.ts';

/** What every policy file is given: where it deploys and how things are named there. */
export interface PolicyScope {
  readonly stack: Stack;
  readonly config: Config;
}

export const allow = (
  actions: readonly string[],
  resources: readonly string[],
  conditions: Record<string, Record<string, unknown>> = {},
): PolicyStatement => new PolicyStatement({ actions: [...actions], resources: [...resources], conditions });

/**
 * Actions for which IAM knows no resource (service authorisation reference); a test lets no other statement use `*`.
 */
export const allowEverywhere = (actions: readonly (keyof typeof WITHOUT_RESOURCE)[]): PolicyStatement =>
  allow(actions, ['*']);

/** Every action allowed on `*`, with the reason. */
export const WITHOUT_RESOURCE = {
  'ec2:DescribeImages': 'no resource type; the AMI of a teardown is looked up',
  'ec2:DescribeInstanceAttribute': 'no resource that is known before; Image Builder looks at what it has launched',
  'ec2:DescribeInstanceStatus': 'no resource type; Image Builder waits for what it has launched',
  'ec2:DescribeInstanceTypes': 'no resource type; Image Builder asks what a build type is',
  'ec2:DescribeLaunchTemplates': 'no resource type; images that a template names are in use',
  'ec2:DescribeLaunchTemplateVersions': 'no resource type; images that a template names are in use',
  'ec2:DescribeSnapshots': 'no resource type; snapshots of images',
  'ec2:DescribeTags': 'no resource type; Image Builder finds what it has made',
  'ec2:DescribeInstanceTypeOfferings': 'no resource type; only offered type and zone pairs are asked for',
  'ec2:DescribeInstances': 'no resource type; instances are found by tag',
  'ec2:DescribeNetworkInterfaces': 'no resource type; the proof looks for interfaces left behind',
  'ec2:DescribeSpotInstanceRequests': 'no resource type; the proof looks for open Spot requests',
  'ec2:DescribeSubnets': 'no resource type; zones of the configured subnets',
  'ec2:DescribeVolumes': 'no resource type; the proof looks for volumes left behind',
  'secretsmanager:ListSecrets': 'no resource type; the sweeper finds secrets by tag',
  'ssm:CreateActivation': 'no resource type; what it may make is bounded by the role that is passed with it',
  'ssm:DeleteActivation': 'no resource type; an activation that is not wanted any more',
  'ssm:DescribeActivations': 'no resource type; which activations are open',
  'ssm:CancelCommand': 'no resource type; only command ids from the registry are cancelled',
  'ssm:DescribeInstanceInformation': 'no resource type; whether an instance is online',
  'ssm:GetCommandInvocation': 'no resource type; result of a step',
  'ec2messages:AcknowledgeMessage': 'no resource type; the Systems Manager agent',
  'ec2messages:DeleteMessage': 'no resource type; the Systems Manager agent',
  'ec2messages:FailMessage': 'no resource type; the Systems Manager agent',
  'ec2messages:GetEndpoint': 'no resource type; the Systems Manager agent',
  'ec2messages:GetMessages': 'no resource type; the Systems Manager agent',
  'ec2messages:SendReply': 'no resource type; the Systems Manager agent',
  'ssm:ListCommandInvocations': 'no resource type; Image Builder follows its steps',
  'ssm:ListCommands': 'no resource type; Image Builder follows its steps',
  'tag:GetResources': 'no resource type; a lifecycle policy finds images by tag',
  'ssm:ListAssociations': 'no resource type; the agent asks it at start',
  'ssm:ListInstanceAssociations': "the agent asks it at start; AWS's own policy knows no resource for it",
  'ssm:UpdateInstanceInformation': "the agent's heartbeat; AWS's own policy knows no resource for it",
  'ssmmessages:CreateControlChannel': 'no resource type; Run Command and Session Manager',
  'ssmmessages:CreateDataChannel': 'no resource type; Run Command and Session Manager',
  'ssmmessages:OpenControlChannel': 'no resource type; Run Command and Session Manager',
  'ssmmessages:OpenDataChannel': 'no resource type; Run Command and Session Manager',
} as const;

export const ec2Arn = ({ stack, config }: PolicyScope, resource: string, owner = stack.account): string =>
  stack.formatArn({ service: 'ec2', region: config.region, account: owner, resource, resourceName: '*' });

const secretsArn = ({ stack, config }: PolicyScope, name: string): string =>
  `arn:${stack.partition}:secretsmanager:${config.region}:${stack.account}:secret:${config.secretPrefix}/${name}`;

/** Identities of workers. */
export const workerSecretsArn = (scope: PolicyScope): string => secretsArn(scope, 'nebula-*');

/** Credentials on their way from one node to another. */
export const handoverSecretsArn = (scope: PolicyScope): string => secretsArn(scope, 'handover-*');

/** Nodes that an activation made: `mi-…`. */
export const managedInstancesArn = ({ stack }: PolicyScope): string => managedInstanceArn(stack, '*');

export const documentArns = ({ stack, config }: PolicyScope, steps: readonly string[]): string[] =>
  steps.map((step) =>
    stack.formatArn({ service: 'ssm', resource: 'document', resourceName: documentName(config.fleet, step) }),
  );

/** A variable that IAM fills in from the request. */
export const policyVariable = (name: string): string => `\${${name}}`;
