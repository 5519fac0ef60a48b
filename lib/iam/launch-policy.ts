import type { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { TAG } from '#contract';
import { amazonLinuxParameterArn, imageParameterArns } from './image-arns.ts';
import { allow, allowEverywhere, ec2Arn, type PolicyScope, workerSecretsArn } from './statement.ts';

export interface LaunchPolicyProps extends PolicyScope {
  readonly launchTemplateArns: readonly string[];
  readonly subnetArns: readonly string[];
  readonly securityGroupArns: readonly string[];
  /** Role that the instance profile carries. */
  readonly workerRoleArn: string;
}

/**
 * An instant fleet needs both CreateFleet and RunInstances. Callers choose AMI and instance type, so the policy bounds
 * them: otherwise the API would be "run any image on any machine with a mesh certificate".
 */
export const launchInstances = (props: LaunchPolicyProps): PolicyStatement[] => [
  ...runInstances(props),
  ...tagAtLaunch(props),
  allow(['iam:PassRole'], [props.workerRoleArn], { StringEquals: { 'iam:PassedToService': 'ec2.amazonaws.com' } }),
  serviceLinkedRoles(props),
  allow(['ec2:TerminateInstances'], [ec2Arn(props, 'instance')], {
    StringEquals: { [`aws:ResourceTag/${TAG.fleet}`]: props.config.fleet },
    Null: { [`aws:ResourceTag/${TAG.worker}`]: 'false' },
  }),
  allow(['ssm:GetParameters'], isPlain(props) ? [amazonLinuxParameterArn(props)] : imageParameterArns(props)),
  allowEverywhere(['ec2:DescribeInstances', 'ec2:DescribeInstanceTypeOfferings', 'ec2:DescribeSubnets']),
];

/** Binds a worker's secret to its instance, and can change no other tag. */
export const bindSecrets = (scope: PolicyScope): PolicyStatement =>
  allow(['secretsmanager:TagResource'], [workerSecretsArn(scope)], {
    StringEquals: { [`aws:ResourceTag/${TAG.fleet}`]: scope.config.fleet },
    'ForAllValues:StringEquals': { 'aws:TagKeys': [TAG.instance] },
  });

/** Only then may it be Amazon's image; one of the account's own may be named for a worker either way. */
const isPlain = ({ config }: PolicyScope): boolean => config.nodes.start === 'plain';

const LAUNCH = ['ec2:CreateFleet', 'ec2:RunInstances'];

const runInstances = (props: LaunchPolicyProps): PolicyStatement[] => {
  const { config, launchTemplateArns } = props;
  const instanceTypes = [...new Set(Object.values(config.roles).flatMap((role) => role.instanceTypes))];
  const worker = { [`aws:RequestTag/${TAG.worker}`]: 'false' };
  const fleet = { [`aws:RequestTag/${TAG.fleet}`]: config.fleet };
  return [
    allow(LAUNCH, [...launchTemplateArns, ...props.subnetArns, ...props.securityGroupArns]),
    allow(['ec2:CreateFleet'], [ec2Arn(props, 'fleet')]),
    allow(LAUNCH, [ec2Arn(props, 'image', '')], {
      StringEquals: { 'ec2:Owner': isPlain(props) ? [props.stack.account, 'amazon'] : props.stack.account },
    }),
    allow(LAUNCH, [
      ec2Arn(props, 'snapshot', ''),
      ec2Arn(props, 'network-interface'),
      ec2Arn(props, 'spot-instances-request'),
    ]),
    allow(['ec2:RunInstances'], [ec2Arn(props, 'instance')], {
      StringEquals: { ...fleet, 'ec2:InstanceType': instanceTypes, 'ec2:MetadataHttpTokens': 'required' },
      ArnEquals: { 'ec2:LaunchTemplate': launchTemplateArns },
      Null: worker,
    }),
    // Whether CreateFleet carries the keys of RunInstances is not documented; where it does, they bind it as well.
    allow(['ec2:CreateFleet'], [ec2Arn(props, 'instance')], {
      StringEquals: fleet,
      StringEqualsIfExists: { 'ec2:InstanceType': instanceTypes },
      ArnEqualsIfExists: { 'ec2:LaunchTemplate': launchTemplateArns },
      Null: worker,
    }),
    allow(LAUNCH, [ec2Arn(props, 'volume')], { StringEquals: fleet, Null: worker }),
    ...(config.nodes.keyPair === undefined
      ? []
      : [
          allow(LAUNCH, [
            props.stack.formatArn({ service: 'ec2', resource: 'key-pair', resourceName: config.nodes.keyPair }),
          ]),
        ]),
  ];
};

/** Tags are what makes an instance a target of SendCommand and TerminateInstances: only a launch may set them. */
const tagAtLaunch = (props: LaunchPolicyProps): PolicyStatement[] => [
  allow(
    ['ec2:CreateTags'],
    ['instance', 'volume', 'network-interface'].map((type) => ec2Arn(props, type)),
    {
      StringEquals: { 'ec2:CreateAction': ['CreateFleet', 'RunInstances'] },
    },
  ),
];

/**
 * An account's first fleet and first Spot request need these roles; a template that made them would fail where they
 * exist.
 */
const serviceLinkedRoles = ({ stack }: PolicyScope): PolicyStatement => {
  const services = ['ec2fleet.amazonaws.com', 'spot.amazonaws.com'];
  return allow(
    ['iam:CreateServiceLinkedRole'],
    services.map((service) =>
      stack.formatArn({ service: 'iam', region: '', resource: 'role', resourceName: `aws-service-role/${service}/*` }),
    ),
    { StringEquals: { 'iam:AWSServiceName': services } },
  );
};
