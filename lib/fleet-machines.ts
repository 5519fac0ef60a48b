import { Duration, RemovalPolicy } from 'aws-cdk-lib';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import { LogGroup, type RetentionDays } from 'aws-cdk-lib/aws-logs';
import { DefinitionBody, type IChainable, LogLevel, QueryLanguage, StateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import { type Capability, stateMachineName } from '#contract';
import type { Config } from './config.ts';
import { functionRoleName } from './names.ts';
import type { Kit } from './state-machines/operation.ts';
import { provision } from './state-machines/provision.ts';
import { renew } from './state-machines/renew.ts';
import { sweep } from './state-machines/sweep.ts';
import { teardown } from './state-machines/teardown.ts';

export type MachineName = Parameters<typeof stateMachineName>[1];

export interface FleetMachinesProps {
  readonly config: Config;
  readonly functions: Readonly<Record<Capability, IFunction>>;
  readonly caFingerprint: string;
}

interface Machine {
  readonly define: (kit: Kit) => IChainable;
  /** More than its states can take together, each with its retries' pauses and its own limit (tested). */
  readonly timeoutSeconds: (limits: Config['limits']) => number;
}

const waits = ({ clusterSeconds, ssmOnlineSeconds, bootSeconds, terminateSeconds }: Config['limits']): number =>
  clusterSeconds + ssmOnlineSeconds + bootSeconds + terminateSeconds;

const MACHINES: Readonly<Record<MachineName, Machine>> = {
  provision: { define: provision, timeoutSeconds: (limits) => 7 * 3600 + waits(limits) },
  teardown: { define: teardown, timeoutSeconds: ({ terminateSeconds }) => 2 * 3600 + terminateSeconds },
  renew: { define: renew, timeoutSeconds: () => 12 * 3600 },
  sweep: { define: sweep, timeoutSeconds: () => 1800 },
};

/** The four state machines. */
export class FleetMachines extends Construct {
  readonly byName: Readonly<Record<MachineName, StateMachine>>;

  constructor(scope: Construct, id: string, props: FleetMachinesProps) {
    super(scope, id);
    this.byName = {
      provision: this.machine('provision', props),
      teardown: this.machine('teardown', props),
      renew: this.machine('renew', props),
      sweep: this.machine('sweep', props),
    };
  }

  private machine(name: MachineName, { config, functions, caFingerprint }: FleetMachinesProps): StateMachine {
    const { define, timeoutSeconds } = MACHINES[name];
    const scope = new Construct(this, name);
    const kit: Kit = { scope, functions, config, caFingerprint };
    return new StateMachine(scope, 'Machine', {
      stateMachineName: stateMachineName(config.fleet, name),
      definitionBody: DefinitionBody.fromChainable(define(kit)),
      queryLanguage: QueryLanguage.JSONATA,
      timeout: Duration.seconds(timeoutSeconds(config.limits)),
      role: new Role(scope, 'Role', {
        roleName: functionRoleName(config, `${name}-machine`),
        assumedBy: new ServicePrincipal('states.amazonaws.com'),
      }),
      logs: {
        // This prefix keeps the account's few log resource policies from filling up.
        destination: new LogGroup(scope, 'Logs', {
          logGroupName: `/aws/vendedlogs/states/${stateMachineName(config.fleet, name)}`,
          retention: config.operations.logRetentionDays as RetentionDays,
          removalPolicy: RemovalPolicy.DESTROY,
        }),
        level: LogLevel.ALL,
        includeExecutionData: true,
      },
    });
  }
}
