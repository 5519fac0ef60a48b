import { RemovalPolicy, Stack } from 'aws-cdk-lib';
import {
  CfnComponent,
  CfnDistributionConfiguration,
  CfnImagePipeline,
  type CfnImagePipelineProps,
  CfnImageRecipe,
  CfnInfrastructureConfiguration,
  CfnLifecyclePolicy,
} from 'aws-cdk-lib/aws-imagebuilder';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import {
  AL2023_PARAMETER,
  type Image,
  imageLogGroupName,
  imagePipelineName,
  KEPT_AS_PUBLISHED,
  parameterName,
  TAG,
} from '#contract';
import type { Config } from '../config.ts';
import { type BakeAsset, bakeEnvironment } from './bake-asset.ts';
import { buildComponent } from './build-component.ts';
import type { BuildMachine } from './build-machine.ts';
import { imageTags } from './image-tags.ts';
import { scriptsOf, unitsOf } from './script-list.ts';

export interface ImagePipelineProps {
  readonly config: Config;
  readonly image: Image;
  readonly bundle: BakeAsset;
  readonly machine: BuildMachine;
  readonly executionRoleArn: string;
  readonly lifecycleRoleArn: string;
  readonly pipelineLogGroup: LogGroup;
}

/**
 * A component with a fixed version gets a new build of it whenever its content changes; the recipe counts up by itself.
 * Anything fixed in the recipe would end the second deployment with "already exists".
 */
const VERSION = { component: '1.0.0', recipe: '1.0.x', everyRecipe: '1.x.x' } as const;

/** An image that ran within this time may be wanted again: a teardown and a new worker, a way back. */
const RECENTLY_LAUNCHED_DAYS = 30;

/** Scheduled builds that fail in a row before the schedule ends: each costs an hour of a machine. */
const FAILURES_ALLOWED = 3;

/** One image's way from its scripts to its parameter, all of one name: `<fleet>-<image>`. */
export class ImagePipeline extends Construct {
  private readonly name: string;
  private readonly props: ImagePipelineProps;

  constructor(scope: Construct, id: string, props: ImagePipelineProps) {
    super(scope, id);
    this.props = props;
    this.name = imagePipelineName(props.config.fleet, props.image);
    const logs = this.logs();
    const recipe = this.recipe(this.component());
    const pipeline = new CfnImagePipeline(this, 'Pipeline', {
      name: this.name,
      description: `Image ${props.image} of fleet ${props.config.fleet}`,
      imageRecipeArn: recipe.attrArn,
      infrastructureConfigurationArn: this.infrastructure().attrArn,
      distributionConfigurationArn: this.distribution().attrArn,
      executionRole: props.executionRoleArn,
      // An instance is started from the new image before it is handed on: what does not boot is not published.
      imageTestsConfiguration: { imageTestsEnabled: true },
      // An inventory of packages would want associations in Systems Manager; the image carries a list of its own.
      enhancedImageMetadataEnabled: false,
      loggingConfiguration: {
        imageLogGroupName: logs.logGroupName,
        pipelineLogGroupName: props.pipelineLogGroup.logGroupName,
      },
      ...this.schedule(),
    });
    pipeline.node.addDependency(logs);
    this.lifecycle(recipe);
  }

  private component(): CfnComponent {
    const { config, image, bundle } = this.props;
    const document = buildComponent({
      image,
      scripts: scriptsOf(image),
      units: unitsOf(image),
      bundleUri: `s3://${bundle.bucket}/${bundle.key}`,
      bundleSha256: bundle.sha256,
      environment: bakeEnvironment(config, bundle.hasAgent),
    });
    return new CfnComponent(this, 'Component', {
      name: this.name,
      platform: 'Linux',
      version: VERSION.component,
      supportedOsVersions: ['Amazon Linux 2023'],
      data: Stack.of(this).toJsonString(document),
    });
  }

  private recipe(component: CfnComponent): CfnImageRecipe {
    const { config, image } = this.props;
    return new CfnImageRecipe(this, 'Recipe', {
      name: this.name,
      version: VERSION.recipe,
      parentImage: `ssm:${AL2023_PARAMETER}`,
      components: [{ componentArn: component.attrArn }],
      // In memory, and the one place that the clean-up, which runs within, leaves alone.
      workingDirectory: '/tmp',
      // Workers are managed through the very agent that Image Builder would take away again.
      additionalInstanceConfiguration: { systemsManagerAgent: { uninstallAfterBuild: false } },
      blockDeviceMappings: [
        {
          deviceName: '/dev/xvda',
          ebs: {
            volumeType: 'gp3',
            volumeSize: config.images.volumeGib[image],
            encrypted: true,
            deleteOnTermination: true,
          },
        },
      ],
    });
  }

  private infrastructure(): CfnInfrastructureConfiguration {
    const { config, image, machine } = this.props;
    return new CfnInfrastructureConfiguration(this, 'Infrastructure', {
      name: this.name,
      instanceProfileName: machine.instanceProfileName,
      instanceTypes: config.images.buildInstanceTypes[image],
      subnetId: machine.subnetId,
      securityGroupIds: [machine.securityGroupId],
      instanceMetadataOptions: { httpTokens: 'required', httpPutResponseHopLimit: 1 },
      // A failed build is told by its log; its machine would cost money until somebody remembers it.
      terminateInstanceOnFailure: true,
      resourceTags: { [TAG.fleet]: config.fleet, [TAG.image]: image },
    });
  }

  private distribution(): CfnDistributionConfiguration {
    const { config, image, bundle } = this.props;
    return new CfnDistributionConfiguration(this, 'Distribution', {
      name: this.name,
      distributions: [
        {
          region: config.region,
          // Typed as anything: these keys are CloudFormation's own.
          amiDistributionConfiguration: {
            Name: `${config.images.namePrefix}-${image}-{{ imagebuilder:buildDate }}`,
            Description: `Carrierarr ${config.fleet}: ${image}`,
            AmiTags: imageTags(config, image, bundle.hasAgent),
          },
          ssmParameterConfigurations: [
            { parameterName: parameterName.ami(config.fleet, image), dataType: 'aws:ec2:image' },
          ],
        },
      ],
    });
  }

  /** Nothing boots base, so that it is built only when somebody asks. */
  private schedule(): Pick<CfnImagePipelineProps, 'schedule'> {
    const { config, image } = this.props;
    if (config.images.schedule === undefined || image === 'base') return {};
    return {
      schedule: {
        scheduleExpression: config.images.schedule,
        pipelineExecutionStartCondition: 'EXPRESSION_MATCH_AND_DEPENDENCY_UPDATES_AVAILABLE',
        autoDisablePolicy: { failureCount: FAILURES_ALLOWED },
      },
    };
  }

  private logs(): LogGroup {
    const { config, image } = this.props;
    return new LogGroup(this, 'Logs', {
      logGroupName: imageLogGroupName(config.fleet, image),
      retention: config.operations.logRetentionDays,
      removalPolicy: RemovalPolicy.DESTROY,
    });
  }

  private lifecycle(recipe: CfnImageRecipe): void {
    const { config, lifecycleRoleArn } = this.props;
    const policy = new CfnLifecyclePolicy(this, 'Lifecycle', {
      name: this.name,
      description: `Keeps ${config.images.keep}, what ran lately and what is tagged ${TAG.keep}`,
      resourceType: 'AMI_IMAGE',
      executionRole: lifecycleRoleArn,
      status: 'ENABLED',
      resourceSelection: { recipes: [{ name: this.name, semanticVersion: VERSION.everyRecipe }] },
      policyDetails: [
        {
          action: { type: 'DELETE', includeResources: { amis: true, snapshots: true } },
          filter: { type: 'COUNT', value: config.images.keep },
          exclusionRules: {
            amis: {
              tagMap: { [TAG.keep]: KEPT_AS_PUBLISHED },
              lastLaunched: { unit: 'DAYS', value: RECENTLY_LAUNCHED_DAYS },
            },
          },
        },
      ],
    });
    policy.addResourceDependency(recipe);
  }
}
