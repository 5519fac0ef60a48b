import { CloudFormationClient, DescribeStacksCommand } from '@aws-sdk/client-cloudformation';
import type { ResponseLaunchTemplateData } from '@aws-sdk/client-ec2';
import { DescribeLaunchTemplateVersionsCommand, DescribeSubnetsCommand, EC2Client } from '@aws-sdk/client-ec2';
import { DescribeSecretCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { GetParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { AccountBus, type AccountEvent } from './account-bus.ts';
import type { Tags } from './ec2/instance.ts';
import type { BlockDevice, Subnet } from './ec2/model.ts';
import type { LaunchSources, Template } from './ec2/template.ts';
import { AwsRefusal } from './protocol/refusal.ts';

interface SdkTag {
  readonly Key?: string | undefined;
  readonly Value?: string | undefined;
}

const toTags = (tags: readonly SdkTag[] | undefined): Tags =>
  Object.fromEntries((tags ?? []).map(({ Key, Value }) => [Key ?? '', Value ?? '']));

const blockDevices = (data: ResponseLaunchTemplateData): BlockDevice[] => {
  const mappings = (data.BlockDeviceMappings ?? []).map((mapping) => ({
    deviceName: mapping.DeviceName ?? '/dev/xvda',
    sizeGib: mapping.Ebs?.VolumeSize ?? 8,
    encrypted: mapping.Ebs?.Encrypted ?? false,
    deleteOnTermination: mapping.Ebs?.DeleteOnTermination ?? true,
  }));
  const root = { deviceName: '/dev/xvda', sizeGib: 8, encrypted: false, deleteOnTermination: true };
  return mappings.length > 0 ? mappings : [root];
};

const securityGroups = (data: ResponseLaunchTemplateData): string[] => [
  ...(data.SecurityGroupIds ?? []),
  ...(data.NetworkInterfaces ?? []).flatMap((networkInterface) => networkInterface.Groups ?? []),
];

const toTemplate = (id: string, name: string, version: string, data: ResponseLaunchTemplateData): Template => ({
  templateId: id,
  templateName: name,
  version,
  imageId: data.ImageId ?? '',
  instanceType: data.InstanceType ?? 't3.micro',
  userData: Buffer.from(data.UserData ?? '', 'base64').toString('utf8'),
  metadata: {
    httpTokens: data.MetadataOptions?.HttpTokens ?? 'optional',
    httpPutResponseHopLimit: data.MetadataOptions?.HttpPutResponseHopLimit ?? 1,
    instanceMetadataTags: data.MetadataOptions?.InstanceMetadataTags ?? 'disabled',
  },
  tags: Object.fromEntries(
    (data.TagSpecifications ?? []).map((specification) => [
      specification.ResourceType ?? '',
      toTags(specification.Tags),
    ]),
  ),
  securityGroupIds: securityGroups(data),
  instanceProfileArn: data.IamInstanceProfile?.Arn ?? '',
  blockDevices: blockDevices(data),
});

const isNamed = (error: unknown, ...names: string[]): boolean => error instanceof Error && names.includes(error.name);

/** What the edge reads from the emulator behind it, through the same public APIs as everybody else. */
export class Upstream implements LaunchSources {
  readonly #ec2: EC2Client;
  readonly #ssm: SSMClient;
  readonly #secrets: SecretsManagerClient;
  readonly #cloudFormation: CloudFormationClient;
  readonly #bus: AccountBus;

  constructor(endpoint: string, region: string) {
    const client = { endpoint, region, credentials: { accessKeyId: 'test', secretAccessKey: 'test' } };
    this.#ec2 = new EC2Client(client);
    this.#ssm = new SSMClient(client);
    this.#secrets = new SecretsManagerClient(client);
    this.#cloudFormation = new CloudFormationClient(client);
    this.#bus = new AccountBus(endpoint, region);
  }

  async template(spec: { id: string | undefined; name: string | undefined; version: string }): Promise<Template> {
    const missing = new AwsRefusal(
      'InvalidLaunchTemplateId.NotFound',
      `The specified launch template, with template ID ${spec.id ?? spec.name}, version ${spec.version}, does not exist.`,
    );
    const found = await this.#ec2
      .send(
        new DescribeLaunchTemplateVersionsCommand({
          LaunchTemplateId: spec.id,
          LaunchTemplateName: spec.name,
          Versions: [spec.version],
        }),
      )
      .catch((error: unknown) => {
        throw isNamed(error, 'InvalidLaunchTemplateId.NotFoundException') ? missing : error;
      });
    const version = found.LaunchTemplateVersions?.[0];
    if (version?.LaunchTemplateData === undefined) throw missing;
    return toTemplate(
      version.LaunchTemplateId ?? '',
      version.LaunchTemplateName ?? '',
      String(version.VersionNumber ?? 1),
      version.LaunchTemplateData,
    );
  }

  async subnet(subnetId: string): Promise<Subnet | undefined> {
    try {
      const found = await this.#ec2.send(new DescribeSubnetsCommand({ SubnetIds: [subnetId] }));
      const subnet = found.Subnets?.[0];
      if (subnet === undefined) return undefined;
      return {
        subnetId,
        vpcId: subnet.VpcId ?? '',
        availabilityZone: subnet.AvailabilityZone ?? '',
        cidr: subnet.CidrBlock ?? '',
      };
    } catch (error) {
      if (isNamed(error, 'InvalidSubnetID.NotFound')) return undefined;
      throw error;
    }
  }

  async parameter(name: string): Promise<string | undefined> {
    try {
      return (await this.#ssm.send(new GetParameterCommand({ Name: name }))).Parameter?.Value;
    } catch (error) {
      if (isNamed(error, 'ParameterNotFound')) return undefined;
      throw error;
    }
  }

  async secretTags(secretId: string): Promise<Tags | undefined> {
    try {
      return toTags((await this.#secrets.send(new DescribeSecretCommand({ SecretId: secretId }))).Tags);
    } catch (error) {
      if (isNamed(error, 'ResourceNotFoundException')) return undefined;
      throw error;
    }
  }

  /** Status of a stack by name or ARN, undefined if there is none. */
  async stackStatus(stack: string): Promise<string | undefined> {
    try {
      const { Stacks } = await this.#cloudFormation.send(new DescribeStacksCommand({ StackName: stack }));
      return Stacks?.[0]?.StackStatus;
    } catch (error) {
      if (isNamed(error, 'ValidationError')) return undefined;
      throw error;
    }
  }

  /** Tells the account's default bus what EC2 tells it. */
  announce(event: AccountEvent): Promise<void> {
    return this.#bus.announce(event);
  }

  close(): void {
    const clients = [this.#ec2, this.#ssm, this.#secrets, this.#cloudFormation, this.#bus];
    for (const client of clients) client.destroy();
  }
}
