import type { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { IMAGES, TAG } from '#contract';
import { imageArns, imageParameterArns, MADE_BY_IMAGE_BUILDER, pipelineArns } from './image-arns.ts';
import { allow, allowEverywhere, ec2Arn, type PolicyScope } from './statement.ts';

/** Which images there are, and whether anything runs or would launch from them. */
export const LOOK_AT_IMAGES = [
  'ec2:DescribeImages',
  'ec2:DescribeInstances',
  'ec2:DescribeLaunchTemplates',
  'ec2:DescribeLaunchTemplateVersions',
  'ec2:DescribeSnapshots',
] as const;

/** What `carrierarr ami build|publish|list|prune` need. */
export const publishImages = (scope: PolicyScope): PolicyStatement[] => [
  allow(
    [
      'imagebuilder:StartImagePipelineExecution',
      'imagebuilder:GetImagePipeline',
      'imagebuilder:ListImagePipelineImages',
    ],
    pipelineArns(scope),
  ),
  allow(['imagebuilder:GetImage', 'imagebuilder:CancelImageCreation'], imageArns(scope)),
  allow(['ssm:PutParameter', 'ssm:GetParameter', 'ssm:GetParameters'], imageParameterArns(scope, IMAGES)),
  ...copyImages(scope),
  ...tagImages(scope),
  ...pruneImages(scope),
  // Systems Manager looks an image up in the caller's name before it takes the value.
  allowEverywhere(LOOK_AT_IMAGES),
];

const imagesAndSnapshots = (scope: PolicyScope): string[] => [
  ec2Arn(scope, 'image', ''),
  ec2Arn(scope, 'snapshot', ''),
];

/** Packer may have built in another region. */
const copyImages = (scope: PolicyScope): PolicyStatement[] => [
  allow(['ec2:CopyImage'], [`arn:${scope.stack.partition}:ec2:*::image/*`, ...imagesAndSnapshots(scope)]),
  allow(['ec2:CreateTags'], imagesAndSnapshots(scope), {
    StringEquals: { 'ec2:CreateAction': 'CopyImage', [`aws:RequestTag/${TAG.fleet}`]: scope.config.fleet },
  }),
];

/** An image of ours, or one that no fleet has taken yet. */
const tagImages = (scope: PolicyScope): PolicyStatement[] => [
  allow(['ec2:CreateTags'], imagesAndSnapshots(scope), {
    StringEqualsIfExists: { [`aws:ResourceTag/${TAG.fleet}`]: scope.config.fleet },
    Null: { [`aws:ResourceTag/${TAG.image}`]: 'false' },
    'ForAllValues:StringEquals': { 'aws:TagKeys': [TAG.fleet, TAG.image, TAG.keep] },
  }),
  allow(['ec2:DeleteTags'], imagesAndSnapshots(scope), {
    StringEquals: { [`aws:ResourceTag/${TAG.fleet}`]: scope.config.fleet },
    'ForAllValues:StringEquals': { 'aws:TagKeys': [TAG.keep] },
  }),
];

const pruneImages = (scope: PolicyScope): PolicyStatement[] => {
  const ours = { StringEquals: { [`aws:ResourceTag/${TAG.fleet}`]: scope.config.fleet } };
  const snapshots = [ec2Arn(scope, 'snapshot', '')];
  return [
    allow(['ec2:DeregisterImage'], [ec2Arn(scope, 'image', '')], {
      ...ours,
      Null: { [`aws:ResourceTag/${TAG.keep}`]: 'true' },
    }),
    allow(['ec2:DeleteSnapshot'], snapshots, ours),
    // Image Builder tags the snapshots of its images with nothing else.
    allow(['ec2:DeleteSnapshot'], snapshots, MADE_BY_IMAGE_BUILDER),
  ];
};
