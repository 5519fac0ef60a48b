import { CfnOutput, Stack, type StackProps } from 'aws-cdk-lib';
import { EventBus } from 'aws-cdk-lib/aws-events';
import { Construct } from 'constructs';
import { agentKeySecretName, OUTPUT, type SignerSettings } from '#contract';
import { AgentKey } from './agent-key.ts';
import type { CodeFactory } from './bundling.ts';
import { type Config, toFleetSettings } from './config.ts';
import { ControlPlaneIdentity } from './control-plane-identity.ts';
import { DeadLetters } from './dead-letters.ts';
import { DestroyGuard } from './destroy-guard.ts';
import { FleetAlarms } from './fleet-alarms.ts';
import { FleetFunctions } from './fleet-functions.ts';
import { FleetMachines } from './fleet-machines.ts';
import { FleetRules } from './fleet-rules.ts';
import { homelabNodeRoleName } from './names.ts';
import { OperatorPolicy } from './operator-policy.ts';
import { RegistryTable } from './registry-table.ts';
import { WorkerNodes } from './worker-nodes.ts';
import { WorkersApi } from './workers-api.ts';

export interface FleetStackProps extends StackProps {
  readonly config: Config;
  readonly code: CodeFactory;
  /** From the mesh stack. */
  readonly signer: SignerSettings;
  readonly caCertificate: string;
  readonly caFingerprint: string;
}

/** Everything that makes, watches and removes workers. */
export class FleetStack extends Stack {
  constructor(scope: Construct, id: string, props: FleetStackProps) {
    super(scope, id, props);
    const { config } = props;
    const { fleet } = config;
    const nodes = new WorkerNodes(this, 'Nodes', { config });
    const settings = toFleetSettings(config, nodes.network.subnetIds);
    const { table } = new RegistryTable(this, 'Registry', { fleet });
    const bus = new EventBus(this, 'Bus', { eventBusName: fleet });
    const deadLetters = new DeadLetters(this, 'DeadLetters', { fleet });
    const agentKey = config.agent.tokens ? new AgentKey(this, 'AgentKey', { fleet }) : undefined;
    const given = { settings, table, bus, nodes, deadLetters, agentKey };
    const functions = new FleetFunctions(this, 'Functions', { ...props, ...given });
    const { api: workers, certificates, scale, rescue, observe } = functions.byName;
    const machines = new FleetMachines(this, 'Machines', { ...props, functions: functions.byName }).byName;
    const { api } = new WorkersApi(this, 'Api', { config, workers, certificates });
    new FleetRules(this, 'Rules', { fleet, bus, scale, rescue, observe, machines, deadLetters: deadLetters.queue });
    new FleetAlarms(this, 'Alarms', { config, bus, machines, deadLetters: deadLetters.queue });
    new OperatorPolicy(this, 'Operator', { config, api, bus, machines });
    this.outputs({
      [OUTPUT.apiUrl]: api.url,
      [OUTPUT.provisionStateMachine]: machines.provision.stateMachineArn,
      [OUTPUT.teardownStateMachine]: machines.teardown.stateMachineArn,
      [OUTPUT.renewStateMachine]: machines.renew.stateMachineArn,
      [OUTPUT.sweepStateMachine]: machines.sweep.stateMachineArn,
      [OUTPUT.eventBus]: bus.eventBusName,
      [OUTPUT.registryTable]: table.tableName,
      [OUTPUT.homelabRole]: homelabNodeRoleName(config),
      [OUTPUT.settings]: this.toJsonString(settings),
      ...this.controlPlaneOutputs(config, bus),
      ...(agentKey === undefined ? {} : { [OUTPUT.agentKeySecret]: agentKeySecretName(fleet) }),
    });
    this.guard(props);
  }

  private outputs(values: Readonly<Record<string, string>>): void {
    for (const [name, value] of Object.entries(values)) new CfnOutput(this, name, { value });
  }

  /** The homelab's control plane, as far as the configuration tells of it. */
  private controlPlaneOutputs(config: Config, bus: EventBus): Record<string, string> {
    const { url, trustAnchor } = config.homelab.controlPlane;
    const identity =
      trustAnchor === undefined
        ? {}
        : new ControlPlaneIdentity(this, 'ControlPlane', { config, trustAnchor, bus }).outputs;
    return { ...(url === undefined ? {} : { [OUTPUT.controlPlaneUrl]: url }), ...identity };
  }

  /** Made last, over everything made before it. */
  private guard({ config, code }: FleetStackProps): void {
    const protects = this.node.children.filter((child) => child instanceof Construct);
    new DestroyGuard(this, 'DestroyGuard', { config, code, protects });
  }
}
