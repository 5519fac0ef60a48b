import { describe, expect, it } from 'vitest';
import { IMAGES } from '#contract';
import { flatten, type Resource, resourcesOf, synthesise } from '../support/app.ts';

const { images } = synthesise();
/** Every synthesis costs half a second, so that this stands for several configurations. */
const CONFIGURED = synthesise({
  fleet: 'second',
  images: {
    schedule: 'cron(0 6 ? * mon *)',
    keep: 2,
    namePrefix: 'mine',
    nvidiaDriver: '580',
    vpcId: 'vpc-0abc12345678',
    subnetId: 'subnet-0abc12345678',
  },
  operations: { alarmEmail: 'operator@example.org' },
}).images;
const WITHOUT = synthesise({ images: { enabled: false } }).images;

const ofType = (template: typeof images, type: string): Record<string, unknown>[] =>
  Object.values(resourcesOf(template))
    .filter(({ Type }: Resource) => Type === type)
    .map(({ Properties }) => flatten(Properties) as Record<string, unknown>);
const ofBuilder = (template: typeof images, type: string) => ofType(template, `AWS::ImageBuilder::${type}`);

describe('image pipelines', () => {
  it.each(['ImagePipeline', 'ImageRecipe', 'Component', 'InfrastructureConfiguration', 'DistributionConfiguration'])(
    'have one %s for each image, named after fleet and image',
    (type) => {
      expect(ofBuilder(images, type).map(({ Name }) => Name)).toEqual(IMAGES.map((image) => `carrierarr-${image}`));
    },
  );

  it('start from Amazon Linux 2023, encrypted, and keep the Systems Manager agent', () => {
    for (const recipe of ofBuilder(images, 'ImageRecipe')) {
      expect(recipe).toMatchObject({
        ParentImage: 'ssm:/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-6.1-x86_64',
        AdditionalInstanceConfiguration: { SystemsManagerAgent: { UninstallAfterBuild: false } },
        BlockDeviceMappings: [{ DeviceName: '/dev/xvda', Ebs: { Encrypted: true, VolumeType: 'gp3' } }],
      });
    }
    expect(JSON.stringify(ofBuilder(images, 'ImageRecipe'))).toMatch(
      /"VolumeSize":8.*"VolumeSize":16.*"VolumeSize":40/,
    );
  });

  it('can be deployed a second time: the recipe counts up, the component has a new build', () => {
    expect(ofBuilder(images, 'ImageRecipe').map(({ Version }) => Version)).toEqual(['1.0.x', '1.0.x', '1.0.x']);
    expect(ofBuilder(images, 'Component').map(({ Version }) => Version)).toEqual(['1.0.0', '1.0.0', '1.0.0']);
    for (const { Components } of ofBuilder(images, 'ImageRecipe')) {
      expect(Components).toEqual([{ ComponentArn: expect.stringMatching(/^<\w+Component\w+\.Arn>$/) }]);
    }
  });

  it('build behind IMDSv2, without a key, on no GPU, and leave no machine behind', () => {
    for (const infrastructure of ofBuilder(images, 'InfrastructureConfiguration')) {
      expect(infrastructure).toMatchObject({
        InstanceMetadataOptions: { HttpTokens: 'required', HttpPutResponseHopLimit: 1 },
        TerminateInstanceOnFailure: true,
      });
      expect(infrastructure).not.toHaveProperty('KeyPair');
      expect(String(infrastructure.InstanceTypes)).not.toMatch(/\b(g|p)\d/);
    }
  });

  it('let nothing in to the machine that builds', () => {
    expect(ofType(images, 'AWS::EC2::SecurityGroup')).toEqual([
      expect.not.objectContaining({ SecurityGroupIngress: expect.anything() }),
    ]);
    expect(ofType(images, 'AWS::EC2::SecurityGroupIngress')).toEqual([]);
    expect(ofType(images, 'AWS::EC2::NatGateway')).toEqual([]);
  });

  it('write the fleet’s parameters in the fleet’s region, by a role of their own', () => {
    const written = ofBuilder(images, 'DistributionConfiguration').flatMap(({ Distributions }) => Distributions);

    expect(written).toEqual(
      IMAGES.map((image) =>
        expect.objectContaining({
          Region: 'us-west-2',
          SsmParameterConfigurations: [{ ParameterName: `/carrierarr/ami/${image}`, DataType: 'aws:ec2:image' }],
        }),
      ),
    );
    for (const { ExecutionRole } of ofBuilder(images, 'ImagePipeline')) {
      expect(ExecutionRole).toMatch(/^<PipelinesRoleimagepipeline\w+\.Arn>$/);
    }
  });

  it('tag images with fleet, kind and versions', () => {
    const [, , gpu] = ofBuilder(CONFIGURED, 'DistributionConfiguration').flatMap(({ Distributions }) => Distributions);

    expect(gpu).toMatchObject({
      AmiDistributionConfiguration: {
        Name: 'mine-gpu-worker-{{ imagebuilder:buildDate }}',
        AmiTags: {
          Name: 'mine-gpu-worker',
          'carrierarr:fleet': 'second',
          'carrierarr:image': 'gpu-worker',
          'carrierarr:nebula-version': '1.9.0',
          'carrierarr:k3s-version': 'v1.31.2+k3s1',
          'carrierarr:nvidia-driver-version': '580',
        },
      },
    });
  });

  it('start an instance from an image before they publish it', () => {
    for (const pipeline of ofBuilder(images, 'ImagePipeline')) {
      expect(pipeline).toMatchObject({ ImageTestsConfiguration: { ImageTestsEnabled: true } });
    }
  });

  it('never start by themselves, unless a schedule says so, and then not for base', () => {
    for (const pipeline of ofBuilder(images, 'ImagePipeline')) expect(pipeline).not.toHaveProperty('Schedule');
    const schedule = {
      ScheduleExpression: 'cron(0 6 ? * mon *)',
      PipelineExecutionStartCondition: 'EXPRESSION_MATCH_AND_DEPENDENCY_UPDATES_AVAILABLE',
      AutoDisablePolicy: { FailureCount: 3 },
    };

    expect(ofBuilder(CONFIGURED, 'ImagePipeline').map(({ Schedule }) => Schedule)).toEqual([
      undefined,
      schedule,
      schedule,
    ]);
  });

  it('keep the newest, what ran lately and what is marked, of their own recipe only', () => {
    const policies = ofBuilder(CONFIGURED, 'LifecyclePolicy');

    expect(policies.map(({ ResourceSelection }) => ResourceSelection)).toEqual(
      IMAGES.map((image) => ({ Recipes: [{ Name: `second-${image}`, SemanticVersion: '1.x.x' }] })),
    );
    for (const { PolicyDetails } of policies) {
      expect(PolicyDetails).toEqual([
        {
          Action: { Type: 'DELETE', IncludeResources: { Amis: true, Snapshots: true } },
          Filter: { Type: 'COUNT', Value: 2 },
          ExclusionRules: {
            Amis: { TagMap: { 'carrierarr:keep': 'published' }, LastLaunched: { Unit: 'DAYS', Value: 30 } },
          },
        },
      ]);
    }
  });

  it('keep their logs as long as all others, and no longer', () => {
    const groups = Object.values(resourcesOf(images)).filter(({ Type }) => Type === 'AWS::Logs::LogGroup');

    expect(groups.map(({ Properties }) => Properties.LogGroupName)).toEqual([
      '/aws/imagebuilder/pipeline/carrierarr',
      ...IMAGES.map((image) => `/aws/imagebuilder/carrierarr-${image}`),
    ]);
    for (const group of groups) {
      expect(group).toMatchObject({ DeletionPolicy: 'Delete', Properties: { RetentionInDays: 30 } });
    }
  });

  it('build where they are told to', () => {
    expect(ofType(CONFIGURED, 'AWS::EC2::VPC')).toEqual([]);
    for (const { SubnetId } of ofBuilder(CONFIGURED, 'InfrastructureConfiguration')) {
      expect(SubnetId).toBe('subnet-0abc12345678');
    }
    expect(ofType(CONFIGURED, 'AWS::EC2::SecurityGroup')).toEqual([
      expect.objectContaining({ VpcId: 'vpc-0abc12345678' }),
    ]);
  });

  it('are not there where nobody wants them; the parameters are still named', () => {
    expect(Object.values(resourcesOf(WITHOUT)).map(({ Type }) => Type)).toEqual(['AWS::IAM::ManagedPolicy']);
    WITHOUT.hasOutput('GpuWorkerAmiParameter', { Value: '/carrierarr/ami/gpu-worker' });
  });
});

describe('an image that could not be made', () => {
  const rules = ofType(CONFIGURED, 'AWS::Events::Rule');

  it('is told by mail, of this fleet’s pipelines only', () => {
    expect(rules.map(({ EventPattern }) => EventPattern)).toEqual([
      {
        source: ['aws.imagebuilder'],
        'detail-type': ['EC2 Image Builder Image State Change'],
        detail: { state: { status: ['FAILED'] } },
        resources: IMAGES.map((image) => ({
          prefix: `arn:aws:imagebuilder:us-west-2:111122223333:image/second-${image}/`,
        })),
      },
      {
        source: ['aws.imagebuilder'],
        'detail-type': ['EC2 Image Builder Image Pipeline Automatically Disabled'],
        resources: IMAGES.map((image) => `arn:aws:imagebuilder:us-west-2:111122223333:image-pipeline/second-${image}`),
      },
    ]);
    expect(ofType(CONFIGURED, 'AWS::SNS::Subscription')).toMatchObject([
      { Protocol: 'email', Endpoint: 'operator@example.org' },
    ]);
  });

  it('is told with its section of the run-book', () => {
    for (const { Targets } of rules) expect(JSON.stringify(Targets)).toContain('docs/operations.md#image-failed');
  });
});
