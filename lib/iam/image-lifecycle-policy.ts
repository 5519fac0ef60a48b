import type { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { TAG } from '#contract';
import { imageArns, MADE_BY_IMAGE_BUILDER } from './image-arns.ts';
import { allow, allowEverywhere, ec2Arn, type PolicyScope } from './statement.ts';

/**
 * Removal of old images, after AWS's EC2ImageBuilderLifecycleExecutionPolicy: this fleet's only, and never one that
 * somebody has marked as kept, whatever the lifecycle rules say.
 */
export const removeOldImages = (scope: PolicyScope): PolicyStatement[] => [
  allow(['ec2:DeregisterImage', 'ec2:DescribeImageAttribute'], [ec2Arn(scope, 'image', '')], {
    StringEquals: { ...MADE_BY_IMAGE_BUILDER.StringEquals, [`aws:ResourceTag/${TAG.fleet}`]: scope.config.fleet },
    Null: { [`aws:ResourceTag/${TAG.keep}`]: 'true' },
  }),
  // Snapshots carry only Image Builder's own tag; EC2 refuses to delete one that an image still uses.
  allow(['ec2:DeleteSnapshot'], [ec2Arn(scope, 'snapshot', '')], MADE_BY_IMAGE_BUILDER),
  allow(['imagebuilder:DeleteImage'], imageArns(scope)),
  allowEverywhere(['ec2:DescribeImages', 'tag:GetResources']),
];
