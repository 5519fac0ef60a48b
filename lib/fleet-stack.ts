import { CfnOutput, Stack, type StackProps } from 'aws-cdk-lib';
import { EventBus } from 'aws-cdk-lib/aws-events';
import { Construct } from 'constructs';
import { OUTPUT, type Role, type SignerSettings } from '#contract';
import type { CodeFactory } from './bundling.ts';
import { type Config, toFleetSettings } from './config.ts';
import { DeadLetters } from './dead-letters.ts';
import { DestroyGuard } from './destroy-guard.ts';
import { FleetAlarms } from './fleet-alarms.ts';
import { FleetFunctions } from './fleet-functions.ts';
import { FleetMachines } from './fleet-machines.ts';
import { FleetRules } from './fleet-rules.ts';
import { OperatorPolicy } from './operator-policy.ts';
import { RegistryTable } from './registry-table.ts';
import { StepDocuments } from './step-documents.ts';
import { WorkerIdentity } from './worker-identity.ts';
import { WorkerNetwork } from './worker-network.ts';
import { WorkerTemplate } from './worker-template.ts';
import { WorkersApi } from './workers-api.ts';

export interface FleetStackProps extends StackProps {
  readonly config: Config;
  readonly code: CodeFactory;
  /** From the mesh stack. */
  readonly signer: SignerSettings;
  readonly caCertificate: string;
}

/** Everything that makes, watches and removes workers. */
export class FleetStack extends Stack {
  constructor(scope: Construct, id: string, props: FleetStackProps) {
    super(scope, id, props);
    const { config, code } = props;
    const network = new WorkerNetwork(this, 'Network', { config });
    const identity = new WorkerIdentity(this, 'WorkerIdentity', { config });
    const template = (role: Role): WorkerTemplate =>
      new WorkerTemplate(this, `Template-${role}`, {
        config,
        role,
        instanceProfileName: identity.instanceProfileName,
        securityGroups: network.securityGroups[role],
      });
    const subnetIds = network.subnets.map((subnet) => subnet.subnetId);
    const settings = toFleetSettings(config, subnetIds);
    const { table } = new RegistryTable(this, 'Registry', { fleet: config.fleet });
    const bus = new EventBus(this, 'Bus', { eventBusName: config.fleet });
    const deadLetters = new DeadLetters(this, 'DeadLetters', { fleet: config.fleet });
    new StepDocuments(this, 'Steps', { fleet: config.fleet });
    const functions = new FleetFunctions(this, 'Functions', {
      config,
      code,
      settings,
      table,
      bus,
      signer: props.signer,
      caCertificate: props.caCertificate,
      templates: { lighthouse: template('lighthouse'), 'gpu-worker': template('gpu-worker') },
      subnetIds,
      securityGroupIds: network.securityGroups.lighthouse.map((group) => group.securityGroupId),
      workerRoleArn: identity.roleArn,
      deadLetters: deadLetters.destination,
    }).byName;
    const machines = new FleetMachines(this, 'Machines', { config, functions }).byName;
    const { api } = new WorkersApi(this, 'Api', {
      config,
      workers: functions.api,
      certificates: functions.certificates,
    });
    new FleetRules(this, 'Rules', {
      fleet: config.fleet,
      bus,
      scale: functions.scale,
      rescue: functions.rescue,
      machines,
      deadLetters: deadLetters.queue,
    });
    new FleetAlarms(this, 'Alarms', { config, machines, deadLetters: deadLetters.queue });
    new OperatorPolicy(this, 'Operator', { config, api, bus, machines });
    this.outputs({
      [OUTPUT.apiUrl]: api.url,
      [OUTPUT.provisionStateMachine]: machines.provision.stateMachineArn,
      [OUTPUT.teardownStateMachine]: machines.teardown.stateMachineArn,
      [OUTPUT.renewStateMachine]: machines.renew.stateMachineArn,
      [OUTPUT.sweepStateMachine]: machines.sweep.stateMachineArn,
      [OUTPUT.eventBus]: bus.eventBusName,
      [OUTPUT.registryTable]: table.tableName,
      [OUTPUT.settings]: this.toJsonString(settings),
    });
    this.guard(config, code);
  }

  private outputs(values: Readonly<Record<string, string>>): void {
    for (const [name, value] of Object.entries(values)) new CfnOutput(this, name, { value });
  }

  /** Made last, over everything made before it. */
  private guard(config: Config, code: CodeFactory): void {
    const everything = this.node.children.filter((child) => child instanceof Construct);
    new DestroyGuard(this, 'DestroyGuard', { config, code }).protect(everything);
  }
}
