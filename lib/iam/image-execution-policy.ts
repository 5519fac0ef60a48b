import type { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { IMAGES } from '#contract';
import { amazonLinuxParameterArn, imageLogArns, imageParameterArns } from './image-arns.ts';
import { allow, allowEverywhere, ec2Arn, type PolicyScope } from './statement.ts';

export interface ImageExecutionProps extends PolicyScope {
  readonly buildRoleArn: string;
  readonly subnetArn: string;
  readonly securityGroupArn: string;
}

/** Tag that Image Builder puts on everything it makes. */
const CREATED_BY = 'EC2 Image Builder';
const asking = { StringEquals: { 'aws:RequestTag/CreatedBy': CREATED_BY } };
const made = { StringEquals: { 'ec2:ResourceTag/CreatedBy': CREATED_BY } };

/**
 * What Image Builder may do in this account on behalf of our pipelines. A pipeline that writes parameters needs a role
 * of its own, and with one the service-linked role no longer counts: this is what that role may
 * (AWSServiceRoleForImageBuilder), less what containers, licences, Windows, other accounts and virtual machine export
 * need, bound to our network and role.
 */
export const executePipelines = (props: ImageExecutionProps): PolicyStatement[] => [
  ...launchBuilds(props),
  ...makeImages(props),
  ...runComponents(props),
  ...encryptVolumes(props),
  allow(['logs:CreateLogStream', 'logs:PutLogEvents'], imageLogArns(props)),
  // Image Builder's own rules, by which it hears of steps that have ended.
  allow(
    ['events:PutRule', 'events:PutTargets', 'events:DescribeRule', 'events:RemoveTargets', 'events:DeleteRule'],
    [props.stack.formatArn({ service: 'events', resource: 'rule', resourceName: 'ImageBuilder-*' })],
  ),
  allow(['ssm:GetParameter'], [amazonLinuxParameterArn(props)]),
  allow(['ssm:PutParameter', 'ssm:GetParameter', 'ssm:AddTagsToResource'], imageParameterArns(props, IMAGES)),
];

const launchBuilds = (props: ImageExecutionProps): PolicyStatement[] => [
  allow(
    ['ec2:RunInstances'],
    [
      ec2Arn(props, 'image', ''),
      ec2Arn(props, 'snapshot', ''),
      ec2Arn(props, 'network-interface'),
      props.subnetArn,
      props.securityGroupArn,
    ],
  ),
  allow(['ec2:RunInstances'], [ec2Arn(props, 'instance'), ec2Arn(props, 'volume')], asking),
  allow(['iam:PassRole'], [props.buildRoleArn], { StringEquals: { 'iam:PassedToService': 'ec2.amazonaws.com' } }),
  allow(['ec2:StopInstances', 'ec2:StartInstances', 'ec2:TerminateInstances'], [ec2Arn(props, 'instance')], made),
  allowEverywhere([
    'ec2:DescribeImages',
    'ec2:DescribeInstances',
    'ec2:DescribeInstanceAttribute',
    'ec2:DescribeInstanceStatus',
    'ec2:DescribeInstanceTypeOfferings',
    'ec2:DescribeInstanceTypes',
    'ec2:DescribeSnapshots',
    'ec2:DescribeSubnets',
    'ec2:DescribeTags',
  ]),
];

const makeImages = (props: ImageExecutionProps): PolicyStatement[] => {
  const [image, snapshot] = [ec2Arn(props, 'image', ''), ec2Arn(props, 'snapshot', '')];
  return [
    allow(['ec2:CreateImage'], [ec2Arn(props, 'instance')], made),
    allow(['ec2:CreateImage', 'ec2:CopyImage'], [image, snapshot]),
    allow(['ec2:RegisterImage'], [image], asking),
    allow(['ec2:RegisterImage'], [snapshot], made),
    allow(['ec2:DeregisterImage', 'ec2:ModifyImageAttribute'], [image], {
      StringEquals: { 'ec2:Owner': props.stack.account },
    }),
    allow(
      ['ec2:CreateTags'],
      ['instance', 'volume', 'network-interface'].map((type) => ec2Arn(props, type)),
      {
        StringEquals: { 'ec2:CreateAction': 'RunInstances', ...asking.StringEquals },
      },
    ),
    allow(['ec2:CreateTags'], [image], { StringEquals: { 'ec2:Owner': props.stack.account } }),
    allow(['ec2:CreateTags'], [image, snapshot], asking),
  ];
};

/** Image Builder drives components through Systems Manager. */
const runComponents = (props: ImageExecutionProps): PolicyStatement[] => [
  allow(
    ['ssm:SendCommand'],
    [
      props.stack.formatArn({
        service: 'ssm',
        region: props.config.region,
        account: '',
        resource: 'document',
        resourceName: 'AWS-RunShellScript',
      }),
    ],
  ),
  allow(['ssm:SendCommand'], [ec2Arn(props, 'instance')], {
    StringEquals: { 'ssm:resourceTag/CreatedBy': CREATED_BY },
  }),
  allowEverywhere([
    'ssm:DescribeInstanceInformation',
    'ssm:GetCommandInvocation',
    'ssm:ListCommandInvocations',
    'ssm:ListCommands',
  ]),
];

/** Only through EC2, and only for an account whose volumes are encrypted with a key of its own. */
const encryptVolumes = ({ stack, config }: ImageExecutionProps): PolicyStatement[] => {
  const keys = [stack.formatArn({ service: 'kms', region: config.region, resource: 'key', resourceName: '*' })];
  const through = { StringEquals: { 'kms:ViaService': `ec2.${config.region}.amazonaws.com` } };
  return [
    allow(
      [
        'kms:Decrypt',
        'kms:DescribeKey',
        'kms:Encrypt',
        'kms:GenerateDataKeyWithoutPlaintext',
        'kms:ReEncryptFrom',
        'kms:ReEncryptTo',
      ],
      keys,
      through,
    ),
    allow(['kms:CreateGrant'], keys, { ...through, Bool: { 'kms:GrantIsForAWSResource': 'true' } }),
  ];
};
