import { RemovalPolicy, Stack } from 'aws-cdk-lib';
import { type PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { IMAGES } from '#contract';
import type { Config } from '../config.ts';
import { pipelineLogGroupName } from '../iam/image-arns.ts';
import { executePipelines } from '../iam/image-execution-policy.ts';
import { removeOldImages } from '../iam/image-lifecycle-policy.ts';
import type { PolicyScope } from '../iam/statement.ts';
import { functionRoleName } from '../names.ts';
import { BakeAsset } from './bake-asset.ts';
import { BuildMachine } from './build-machine.ts';
import { ImageFailures } from './image-failures.ts';
import { ImagePipeline } from './image-pipeline.ts';

export interface ImagePipelinesProps {
  readonly config: Config;
}

/** A pipeline for each image, and what they share. */
export class ImagePipelines extends Construct {
  constructor(scope: Construct, id: string, { config }: ImagePipelinesProps) {
    super(scope, id);
    const stack = Stack.of(this);
    const where: PolicyScope = { stack, config };
    const bundle = new BakeAsset(this, 'Bake', { config });
    const machine = new BuildMachine(this, 'Machine', { config, bundle });
    const ec2 = (resource: string, resourceName: string) => stack.formatArn({ service: 'ec2', resource, resourceName });
    const shared = {
      config,
      bundle,
      machine,
      executionRoleArn: this.role(
        config,
        'image-pipeline',
        executePipelines({
          ...where,
          buildRoleArn: machine.roleArn,
          subnetArn: ec2('subnet', machine.subnetId),
          securityGroupArn: ec2('security-group', machine.securityGroupId),
        }),
      ),
      lifecycleRoleArn: this.role(config, 'image-lifecycle', removeOldImages(where)),
      pipelineLogGroup: new LogGroup(this, 'Logs', {
        logGroupName: pipelineLogGroupName(config.fleet),
        retention: config.operations.logRetentionDays,
        removalPolicy: RemovalPolicy.DESTROY,
      }),
    };
    for (const image of IMAGES) new ImagePipeline(this, image, { ...shared, image });
    new ImageFailures(this, 'Failures', { config });
  }

  /**
   * Assumed by Image Builder. No `aws:SourceAccount`: AWS documents no such key for this service, and where it is not
   * sent no build would begin; who may hand the role over is bound by `iam:PassRole`.
   */
  private role(config: Config, name: string, statements: readonly PolicyStatement[]): string {
    const role = new Role(this, `Role-${name}`, {
      roleName: functionRoleName(config, name),
      assumedBy: new ServicePrincipal('imagebuilder.amazonaws.com'),
    });
    for (const statement of statements) role.addToPolicy(statement);
    return role.roleArn;
  }
}
