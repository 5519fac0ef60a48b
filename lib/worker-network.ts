import {
  CfnSecurityGroupIngress,
  GatewayVpcEndpointAwsService,
  IpAddresses,
  type IVpc,
  Peer,
  Port,
  SecurityGroup,
  SubnetType,
  Vpc,
} from 'aws-cdk-lib/aws-ec2';
import { Construct } from 'constructs';
import { PORTS, type PortRule, ROLES, type Role } from '#contract';
import { type Config, configuredPort } from './config.ts';

export interface WorkerNetworkProps {
  readonly config: Config;
}

/**
 * Where workers live: public subnets without NAT (a gateway costs $33 a month, a public address on a worker half a cent
 * an hour) and one security group per set of roles, with the rules of the port table.
 */
export class WorkerNetwork extends Construct {
  readonly vpc: IVpc;
  readonly subnetIds: readonly string[];
  /** Security groups that an instance of a role carries. */
  readonly securityGroups: Readonly<Record<Role, readonly SecurityGroup[]>>;

  constructor(scope: Construct, id: string, { config }: WorkerNetworkProps) {
    super(scope, id);
    const { vpcId, subnetIds } = config.network;
    this.vpc = vpcId === undefined ? this.ownVpc(config) : this.existingVpc(config, vpcId);
    this.subnetIds = subnetIds ?? this.vpc.publicSubnets.map((subnet) => subnet.subnetId);
    const shared = this.securityGroup(config, 'Workers', 'workers', isShared);
    const lighthouse = this.securityGroup(config, 'Lighthouse', 'lighthouse', (rule) => isOnly(rule, 'lighthouse'));
    this.securityGroups = { lighthouse: [shared, lighthouse], 'gpu-worker': [shared] };
  }

  get allSecurityGroups(): SecurityGroup[] {
    return [...new Set(Object.values(this.securityGroups).flat())];
  }

  private ownVpc({ fleet, network }: Config): IVpc {
    const vpc = new Vpc(this, 'Vpc', {
      vpcName: fleet,
      ipAddresses: IpAddresses.cidr(network.vpcCidr),
      availabilityZones: network.zones,
      natGateways: 0,
      subnetConfiguration: [{ name: 'public', subnetType: SubnetType.PUBLIC }],
      gatewayEndpoints: { S3: { service: GatewayVpcEndpointAwsService.S3 } },
      // Would need a custom resource with rights on every security group; workers never use the default group.
      restrictDefaultSecurityGroup: false,
    });
    // The library's types are not written for exactOptionalPropertyTypes.
    return vpc as IVpc;
  }

  private existingVpc({ network }: Config, vpcId: string): IVpc {
    return Vpc.fromVpcAttributes(this, 'Vpc', {
      vpcId,
      availabilityZones: network.zones,
    });
  }

  private securityGroup(config: Config, id: string, name: string, has: (rule: PortRule) => boolean): SecurityGroup {
    const group = new SecurityGroup(this, id, {
      securityGroupName: `${config.fleet}-${name}`,
      description: `Carrierarr ${config.fleet}: ${name}`,
      vpc: this.vpc,
      allowAllOutbound: true,
    });
    for (const rule of PORTS.filter(has)) addIngress(group, rule, config);
    return group;
  }
}

const isShared = (rule: PortRule): boolean => ROLES.every((role) => rule.roles.includes(role));
const isOnly = (rule: PortRule, role: Role): boolean => rule.roles.length === 1 && rule.roles[0] === role;

const addIngress = (group: SecurityGroup, rule: PortRule, config: Config): void => {
  if (rule.securityGroup === 'nobody') return;
  if (rule.securityGroup === 'self') {
    new CfnSecurityGroupIngress(group, `From self ${rule.id}`, {
      groupId: group.securityGroupId,
      sourceSecurityGroupId: group.securityGroupId,
      ipProtocol: '-1',
      description: rule.purpose,
    });
    return;
  }
  for (const cidr of sourcesOf(rule, config)) group.addIngressRule(Peer.ipv4(cidr), portOf(rule, config), rule.purpose);
};

const sourcesOf = (rule: PortRule, { network, liqo }: Config): readonly string[] => {
  switch (rule.securityGroup) {
    case 'anywhere':
      return ['0.0.0.0/0'];
    case 'gateway-cidrs':
      // Over the mesh, or without Liqo, nobody comes from outside.
      return liqo.enabled && liqo.gatewayPath === 'public' ? liqo.gatewayCidrs : [];
    case 'operator-cidrs':
      return (network.operatorCidrs as Partial<Record<string, readonly string[]>>)[rule.id] ?? [];
    default:
      return [];
  }
};

const portOf = (rule: PortRule, config: Config): Port => {
  const port = configuredPort(config, rule.id, rule.port);
  if (port === 'any') return Port.allTraffic();
  return rule.protocol === 'udp' ? Port.udp(port) : Port.tcp(port);
};
