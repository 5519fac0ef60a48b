import { ArnFormat, Stack } from 'aws-cdk-lib';
import type { RestApi } from 'aws-cdk-lib/aws-apigateway';
import type { EventBus } from 'aws-cdk-lib/aws-events';
import { Effect, ManagedPolicy, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { StateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import { STACKS, stackName, TAG } from '#contract';
import type { Config } from './config.ts';
import type { MachineName } from './fleet-machines.ts';
import { activateHomelab } from './iam/homelab-policy.ts';
import { amazonLinuxParameterArn } from './iam/image-arns.ts';
import { LOOK_AT_IMAGES } from './iam/image-publisher-policy.ts';
import { allow, allowEverywhere, ec2Arn, type PolicyScope, policyVariable } from './iam/statement.ts';
import { executionsArn } from './names.ts';

export interface OperatorPolicyProps {
  readonly config: Config;
  readonly api: RestApi;
  readonly bus: EventBus;
  readonly machines: Readonly<Record<MachineName, StateMachine>>;
}

/**
 * For people and machines that use the fleet: everything the command needs, and nothing that changes the fleet itself.
 */
export class OperatorPolicy extends Construct {
  constructor(scope: Construct, id: string, props: OperatorPolicyProps) {
    super(scope, id);
    const where: PolicyScope = { stack: Stack.of(this), config: props.config };
    new ManagedPolicy(this, 'Policy', {
      managedPolicyName: `${props.config.fleet}-operator-${props.config.region}`,
      description: `Use of the Carrierarr fleet ${props.config.fleet}`,
      statements: [
        ...doors(props),
        ...executions(where, props),
        ...sessions(where),
        ...look(where),
        ...activateHomelab(where),
      ],
    });
  }
}

const doors = ({ api, bus }: OperatorPolicyProps): PolicyStatement[] => [
  allow(['execute-api:Invoke'], [api.arnForExecuteApi()]),
  allow(['events:PutEvents'], [bus.eventBusArn]),
];

const executions = ({ stack, config }: PolicyScope, { machines }: OperatorPolicyProps): PolicyStatement[] => {
  const all = Object.keys(machines) as MachineName[];
  const running = all.map((name) => executionsArn(stack, config.fleet, name));
  const definitions = all.map((name) => machines[name].stateMachineArn);
  return [
    allow(['states:StartExecution', 'states:ListExecutions', 'states:DescribeStateMachine'], definitions),
    allow(['states:DescribeExecution', 'states:GetExecutionHistory', 'states:StopExecution'], running),
    // A redrive would run on behind a fence that has fallen.
    new PolicyStatement({ effect: Effect.DENY, actions: ['states:RedriveExecution'], resources: running }),
  ];
};

/** A shell on a worker of this fleet, and the end of one's own sessions. */
const sessions = (where: PolicyScope): PolicyStatement[] => [
  allow(['ssm:StartSession'], [ec2Arn(where, 'instance')], {
    StringEquals: { [`ssm:resourceTag/${TAG.fleet}`]: where.config.fleet },
    BoolIfExists: { 'ssm:SessionDocumentAccessCheck': 'true' },
  }),
  allow(
    ['ssm:StartSession'],
    [where.stack.formatArn({ service: 'ssm', resource: 'document', resourceName: 'SSM-SessionManagerRunShell' })],
  ),
  allow(
    ['ssm:TerminateSession', 'ssm:ResumeSession'],
    [where.stack.formatArn({ service: 'ssm', resource: 'session', resourceName: `${policyVariable('aws:userid')}-*` })],
  ),
];

/** What `doctor` and `status` read. */
const look = ({ stack, config }: PolicyScope): PolicyStatement[] => [
  allow(
    ['cloudformation:DescribeStacks'],
    STACKS.map((name) =>
      stack.formatArn({
        service: 'cloudformation',
        resource: 'stack',
        resourceName: `${stackName(config.fleet, name)}/*`,
      }),
    ),
  ),
  allow(
    ['ssm:GetParameter', 'ssm:GetParameters'],
    [stack.formatArn({ service: 'ssm', resource: 'parameter', resourceName: `${config.fleet}/*` })],
  ),
  allow(
    ['servicequotas:GetServiceQuota'],
    [
      stack.formatArn({
        service: 'servicequotas',
        resource: 'ec2',
        arnFormat: ArnFormat.SLASH_RESOURCE_NAME,
        resourceName: '*',
      }),
    ],
  ),
  allow(['ssm:GetParameter'], [amazonLinuxParameterArn({ stack, config })]),
  allowEverywhere([...LOOK_AT_IMAGES, 'ssm:DescribeInstanceInformation']),
];
