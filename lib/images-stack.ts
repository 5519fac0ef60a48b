import { CfnOutput, Stack, type StackProps } from 'aws-cdk-lib';
import { ManagedPolicy } from 'aws-cdk-lib/aws-iam';
import type { Construct } from 'constructs';
import { parameterName, ROLES } from '#contract';
import type { Config } from './config.ts';
import { publishImages } from './iam/image-publisher-policy.ts';
import { ImagePipelines } from './images/image-pipelines.ts';

export interface ImagesStackProps extends StackProps {
  readonly config: Config;
}

const OUTPUT_IDS = { lighthouse: 'LighthouseAmiParameter', 'gpu-worker': 'GpuWorkerAmiParameter' } as const;

/**
 * Where the images come from, where they are, and who may say so. The parameters themselves are written by whoever
 * builds an image (data type `aws:ec2:image`, in the fleet's region): a template that declared them would put an old
 * image back at every deploy.
 */
export class ImagesStack extends Stack {
  constructor(scope: Construct, id: string, { config, ...props }: ImagesStackProps) {
    super(scope, id, props);
    for (const role of ROLES) {
      new CfnOutput(this, OUTPUT_IDS[role], {
        description: `Name of the parameter with the AMI of role ${role}`,
        value: parameterName.ami(config.fleet, role),
      });
    }
    new ManagedPolicy(this, 'Publisher', {
      managedPolicyName: `${config.fleet}-image-publisher-${config.region}`,
      description: `May build images of fleet ${config.fleet}, say which ones workers boot, and remove old ones`,
      statements: publishImages({ stack: this, config }),
    });
    if (config.images.enabled) new ImagePipelines(this, 'Pipelines', { config });
  }
}
