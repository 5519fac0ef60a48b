import { Stack } from 'aws-cdk-lib';
import type { Table } from 'aws-cdk-lib/aws-dynamodb';
import type { EventBus } from 'aws-cdk-lib/aws-events';
import type { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { IDestination, Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import { Construct } from 'constructs';
import type { ENVIRONMENT, FleetSettings, SignerSettings } from '#contract';
import type { AgentKey } from './agent-key.ts';
import type { CodeFactory } from './bundling.ts';
import { CapabilityFunction } from './capability-function.ts';
import type { Config } from './config.ts';
import type { DeadLetters } from './dead-letters.ts';
import type { FunctionName } from './entry-points.ts';
import { manageSecrets, readAgentKey, signCertificates } from './iam/identity-policy.ts';
import { bindSecrets, launchInstances } from './iam/launch-policy.ts';
import { announce, registryAccess, registryNotes } from './iam/registry-policy.ts';
import { runHomelabSteps, runSteps } from './iam/run-command-policy.ts';
import { startExecutions, startOnly } from './iam/start-executions.ts';
import type { PolicyScope } from './iam/statement.ts';
import { removeWorkers } from './iam/sweep-policy.ts';
import { managedInstanceArn, stateMachineArn } from './names.ts';
import type { WorkerNodes } from './worker-nodes.ts';

export interface FleetFunctionsProps {
  readonly config: Config;
  readonly code: CodeFactory;
  readonly settings: FleetSettings;
  readonly table: Table;
  readonly bus: EventBus;
  readonly signer: SignerSettings;
  readonly caCertificate: string;
  readonly nodes: WorkerNodes;
  readonly deadLetters: DeadLetters;
  /** Absent: workers get no tokens. */
  readonly agentKey: AgentKey | undefined;
}

type FleetFunction = Exclude<FunctionName, 'ca' | 'guard'>;
type Environment<N extends FunctionName> = { readonly [K in keyof (typeof ENVIRONMENT)[N]['shape']]: string };

/** The Lambdas of the fleet, each with its environment and what it may do. */
export class FleetFunctions extends Construct {
  readonly byName: Readonly<Record<FleetFunction, LambdaFunction>>;

  constructor(scope: Construct, id: string, props: FleetFunctionsProps) {
    super(scope, id);
    const environment = environments(Stack.of(this), props);
    const statements = permissions({ stack: Stack.of(this), config: props.config }, props);
    const make = (capability: FleetFunction, onFailure?: IDestination): LambdaFunction =>
      new CapabilityFunction(this, capability, {
        capability,
        config: props.config,
        code: props.code,
        environment: environment[capability],
        statements: statements[capability],
        ...(onFailure === undefined ? {} : { onFailure }),
      }).function;
    this.byName = {
      registry: make('registry'),
      identity: make('identity'),
      launch: make('launch'),
      'run-command': make('run-command'),
      homelab: make('homelab'),
      sweep: make('sweep'),
      api: make('api'),
      certificates: make('certificates'),
      scale: make('scale', props.deadLetters.destination),
      rescue: make('rescue', props.deadLetters.destination),
      observe: make('observe', props.deadLetters.destination),
    };
  }
}

type Environments = { readonly [N in FleetFunction]: Environment<N> };

const environments = (stack: Stack, props: FleetFunctionsProps): Environments => {
  const { fleet } = props.config;
  const base = { FLEET_SETTINGS: stack.toJsonString(props.settings), REGISTRY_TABLE: props.table.tableName };
  const machines = {
    PROVISION_STATE_MACHINE: stateMachineArn(stack, fleet, 'provision'),
    TEARDOWN_STATE_MACHINE: stateMachineArn(stack, fleet, 'teardown'),
  };
  const signing = { SIGNER: stack.toJsonString(props.signer), CA_CERTIFICATE: props.caCertificate };
  const { lighthouse, 'gpu-worker': gpu } = props.nodes.templates;
  return {
    registry: { ...base, EVENT_BUS: props.bus.eventBusName },
    identity: { ...base, ...signing, AGENT_KEY_SECRET: props.agentKey?.secret.secretArn ?? '' },
    launch: {
      ...base,
      LAUNCH_TEMPLATES: stack.toJsonString({ lighthouse: lighthouse.templateId, 'gpu-worker': gpu.templateId }),
    },
    'run-command': base,
    homelab: { ...base, MANAGED_INSTANCE_ARN: managedInstanceArn(stack, '') },
    sweep: { ...base, ...machines },
    api: { ...base, ...machines },
    certificates: { ...base, ...signing },
    scale: { ...base, ...machines },
    rescue: { ...base, ...machines },
    observe: {
      ...base,
      ...machines,
      SWEEP_STATE_MACHINE: stateMachineArn(stack, fleet, 'sweep'),
      EVENT_BUS: props.bus.eventBusName,
    },
  };
};

const permissions = (scope: PolicyScope, props: FleetFunctionsProps): Record<FleetFunction, PolicyStatement[]> => {
  const registry = registryAccess(props.table);
  return {
    registry: [registry, announce(props.bus)],
    identity: [
      registry,
      ...signCertificates(props.signer),
      ...manageSecrets(scope),
      ...(props.agentKey === undefined ? [] : [readAgentKey(props.agentKey.secret.secretArn)]),
    ],
    launch: [registry, ...launchInstances({ ...scope, ...launchTargets(scope, props) }), bindSecrets(scope)],
    'run-command': [registry, ...runSteps(scope)],
    homelab: [registry, ...runHomelabSteps(scope)],
    sweep: [registry, ...removeWorkers(scope), ...startExecutions(scope, ['teardown'])],
    api: [registry, ...startExecutions(scope, ['provision', 'teardown'])],
    certificates: [registry, ...signCertificates(props.signer)],
    scale: [registry, ...startExecutions(scope, ['provision', 'teardown'])],
    rescue: [registry, ...startExecutions(scope, ['teardown'])],
    observe: [registryNotes(props.table), announce(props.bus), startOnly(scope, ['teardown', 'sweep'])],
  };
};

const launchTargets = ({ stack }: PolicyScope, { nodes }: FleetFunctionsProps) => {
  const ec2 = (resource: string) => (resourceName: string) =>
    stack.formatArn({ service: 'ec2', resource, resourceName });
  return {
    launchTemplateArns: Object.values(nodes.templates).map((template) => template.templateArn),
    subnetArns: nodes.network.subnetIds.map(ec2('subnet')),
    securityGroupArns: nodes.network.allSecurityGroups.map((group) => group.securityGroupId).map(ec2('security-group')),
    workerRoleArn: nodes.identity.roleArn,
  };
};
