import { Stack } from 'aws-cdk-lib';
import { IpAddresses, type IVpc, SecurityGroup, SubnetType, Vpc } from 'aws-cdk-lib/aws-ec2';
import { CfnInstanceProfile, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';
import type { Config } from '../config.ts';
import { buildImages } from '../iam/image-build-policy.ts';
import { functionRoleName } from '../names.ts';
import type { BakeAsset } from './bake-asset.ts';

export interface BuildMachineProps {
  readonly config: Config;
  readonly bundle: BakeAsset;
}

/** Meets no other network: the VPC of its own holds one machine for half an hour. */
const OWN_CIDR = '10.81.0.0/28';

/** Where images are built and as whom. Session Manager is the only way in: no key, no rule inbound. */
export class BuildMachine extends Construct {
  readonly subnetId: string;
  readonly securityGroupId: string;
  readonly instanceProfileName: string;
  readonly roleArn: string;

  constructor(scope: Construct, id: string, props: BuildMachineProps) {
    super(scope, id);
    const { vpc, subnetId } = this.network(props.config);
    this.subnetId = subnetId;
    this.securityGroupId = new SecurityGroup(this, 'SecurityGroup', {
      securityGroupName: `${props.config.fleet}-image-build`,
      description: `Carrierarr ${props.config.fleet}: builds images; nothing comes in`,
      vpc,
      allowAllOutbound: true,
    }).securityGroupId;
    const { role, profile } = this.identity(props);
    this.instanceProfileName = profile.ref;
    this.roleArn = role.roleArn;
  }

  /** The fleet's own VPC is made by a later stack, and a default VPC is not in every account. */
  private network({ fleet, images, network }: Config): { vpc: IVpc; subnetId: string } {
    const existing =
      images.vpcId === undefined
        ? { vpcId: network.vpcId, subnetId: network.subnetIds?.[0] }
        : { vpcId: images.vpcId, subnetId: images.subnetId };
    if (existing.vpcId !== undefined && existing.subnetId !== undefined) {
      const vpc = Vpc.fromVpcAttributes(this, 'Vpc', { vpcId: existing.vpcId, availabilityZones: network.zones });
      return { vpc, subnetId: existing.subnetId };
    }
    const vpc = new Vpc(this, 'Vpc', {
      vpcName: `${fleet}-image-build`,
      ipAddresses: IpAddresses.cidr(OWN_CIDR),
      availabilityZones: network.zones.slice(0, 1),
      natGateways: 0,
      subnetConfiguration: [{ name: 'public', subnetType: SubnetType.PUBLIC }],
      // Would need a custom resource with rights on every security group; nothing uses the default group.
      restrictDefaultSecurityGroup: false,
    });
    const [subnetId = ''] = vpc.publicSubnets.map((subnet) => subnet.subnetId);
    // The library's types are not written for exactOptionalPropertyTypes.
    return { vpc: vpc as IVpc, subnetId };
  }

  private identity({ config, bundle }: BuildMachineProps) {
    const role = new Role(this, 'Role', {
      roleName: functionRoleName(config, 'image-build'),
      assumedBy: new ServicePrincipal('ec2.amazonaws.com'),
      description: 'A machine that becomes an image: is managed, reads its components and the image scripts',
    });
    for (const statement of [...buildImages({ stack: Stack.of(this), config }), bundle.read()]) {
      role.addToPolicy(statement);
    }
    const profile = new CfnInstanceProfile(this, 'Profile', {
      instanceProfileName: functionRoleName(config, 'image-build'),
      roles: [role.roleName],
    });
    return { role, profile };
  }
}
