import { ArnFormat } from 'aws-cdk-lib';
import {
  AL2023_PARAMETER,
  IMAGES,
  type Image,
  imageLogGroupName,
  imagePipelineName,
  parameterName,
  ROLES,
} from '#contract';
import type { PolicyScope } from './statement.ts';

/** Image Builder tags everything that it makes. */
export const MADE_BY_IMAGE_BUILDER = { StringEquals: { 'aws:ResourceTag/CreatedBy': 'EC2 Image Builder' } };

/** ARNs of what makes images, from their names: the embedded cloud leaves the resources themselves out. */
const builderArns =
  (resource: string, rest = '') =>
  ({ stack, config }: PolicyScope): string[] =>
    IMAGES.map((image) =>
      stack.formatArn({
        service: 'imagebuilder',
        resource,
        resourceName: `${imagePipelineName(config.fleet, image)}${rest}`,
      }),
    );

export const pipelineArns = builderArns('image-pipeline');
export const componentArns = builderArns('component', '/*');
export const imageArns = builderArns('image', '/*');

/** Parameters that say which image is booted; those of the roles, unless others are asked for. */
export const imageParameterArns = ({ stack, config }: PolicyScope, images: readonly Image[] = ROLES): string[] =>
  images.map((image) =>
    stack.formatArn({
      service: 'ssm',
      resource: 'parameter',
      resourceName: parameterName.ami(config.fleet, image).slice(1),
    }),
  );

/** Amazon's own parameter: it belongs to no account. */
export const amazonLinuxParameterArn = ({ stack, config }: PolicyScope): string =>
  stack.formatArn({
    service: 'ssm',
    region: config.region,
    account: '',
    resource: 'parameter',
    resourceName: AL2023_PARAMETER.slice(1),
  });

export const imageLogArns = ({ stack, config }: PolicyScope): string[] =>
  [...IMAGES.map((image) => imageLogGroupName(config.fleet, image)), pipelineLogGroupName(config.fleet)].flatMap(
    (resourceName) => {
      const arn = stack.formatArn({
        service: 'logs',
        resource: 'log-group',
        arnFormat: ArnFormat.COLON_RESOURCE_NAME,
        resourceName,
      });
      return [arn, `${arn}:*`];
    },
  );

export const pipelineLogGroupName = (fleet: string): string => `/aws/imagebuilder/pipeline/${fleet}`;
