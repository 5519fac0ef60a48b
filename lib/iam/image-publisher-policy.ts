import type { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { IMAGES, TAG } from '#contract';
import { imageArns, imageParameterArns, pipelineArns } from './image-arns.ts';
import { allow, allowEverywhere, ec2Arn, type PolicyScope } from './statement.ts';

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
  allow(['imagebuilder:GetImage'], imageArns(scope)),
  allow(['ssm:PutParameter', 'ssm:GetParameter'], imageParameterArns(scope, IMAGES)),
  ...copyImages(scope),
  ...pruneImages(scope),
  // Systems Manager looks the image up in the caller's name before it takes the value.
  allowEverywhere(['ec2:DescribeImages', 'ec2:DescribeInstances', 'ec2:DescribeSnapshots']),
];

const copyImages = (scope: PolicyScope): PolicyStatement[] => {
  const images = [ec2Arn(scope, 'image', ''), ec2Arn(scope, 'snapshot', '')];
  return [
    allow(['ec2:CopyImage'], images),
    allow(['ec2:CreateTags'], images, { StringEquals: { [`aws:RequestTag/${TAG.fleet}`]: scope.config.fleet } }),
    // So that an image that was in use may go once another is.
    allow(['ec2:CreateTags', 'ec2:DeleteTags'], [ec2Arn(scope, 'image', '')], {
      StringEquals: { [`aws:ResourceTag/${TAG.fleet}`]: scope.config.fleet },
      'ForAllValues:StringEquals': { 'aws:TagKeys': [TAG.keep] },
    }),
  ];
};

const pruneImages = (scope: PolicyScope): PolicyStatement[] => {
  const ours = { StringEquals: { [`aws:ResourceTag/${TAG.fleet}`]: scope.config.fleet } };
  return [
    allow(['ec2:DeregisterImage'], [ec2Arn(scope, 'image', '')], {
      ...ours,
      Null: { [`aws:ResourceTag/${TAG.keep}`]: 'true' },
    }),
    allow(['ec2:DeleteSnapshot'], [ec2Arn(scope, 'snapshot', '')], ours),
  ];
};
