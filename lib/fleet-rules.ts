import { Duration } from 'aws-cdk-lib';
import { type EventBus, Rule, RuleTargetInput, Schedule } from 'aws-cdk-lib/aws-events';
import { LambdaFunction, SfnStateMachine } from 'aws-cdk-lib/aws-events-targets';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import type { StateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import { EVENT, SPOT_WARNING } from '#contract';
import type { MachineName } from './fleet-machines.ts';

export interface FleetRulesProps {
  readonly fleet: string;
  readonly bus: EventBus;
  readonly scale: IFunction;
  readonly rescue: IFunction;
  readonly observe: IFunction;
  readonly machines: Readonly<Record<MachineName, StateMachine>>;
  readonly deadLetters: IQueue;
}

/** What starts by itself: scaling on request, what follows from observations, rescue of executions that could not undo themselves, sweep and renewal. */
export class FleetRules extends Construct {
  constructor(scope: Construct, id: string, props: FleetRulesProps) {
    super(scope, id);
    const delivery = { deadLetterQueue: props.deadLetters, retryAttempts: 8, maxEventAge: Duration.hours(2) };
    new Rule(this, 'ScaleRequested', {
      ruleName: `${props.fleet}-scale-requested`,
      description: 'Scale Out Requested, Scale In Requested: start or end workers',
      eventBus: props.bus,
      eventPattern: { detailType: [EVENT.scaleOutRequested, EVENT.scaleInRequested] },
      targets: [new LambdaFunction(props.scale, delivery)],
    });
    this.observations(props);
    // Service events come on the default bus only. Delivery is best effort: the sweeper is the net below.
    new Rule(this, 'ExecutionEnded', {
      ruleName: `${props.fleet}-execution-ended`,
      description: 'An execution failed, timed out or was stopped: undo what it left',
      eventPattern: {
        source: ['aws.states'],
        detailType: ['Step Functions Execution Status Change'],
        detail: {
          status: ['FAILED', 'TIMED_OUT', 'ABORTED'],
          stateMachineArn: [props.machines.provision.stateMachineArn, props.machines.teardown.stateMachineArn],
        },
      },
      targets: [new LambdaFunction(props.rescue, delivery)],
    });
    new Rule(this, 'SweepDue', {
      ruleName: `${props.fleet}-sweep-due`,
      description: 'Look for instances and secrets that no worker owns',
      schedule: Schedule.rate(Duration.minutes(15)),
      targets: [new SfnStateMachine(props.machines.sweep, { input: RuleTargetInput.fromObject({}), ...delivery })],
    });
    new Rule(this, 'RenewalDue', {
      ruleName: `${props.fleet}-renewal-due`,
      description: 'Renew certificates past half of their life',
      schedule: Schedule.rate(Duration.days(1)),
      targets: [new SfnStateMachine(props.machines.renew, { input: RuleTargetInput.fromObject({}), ...delivery })],
    });
  }

  /** An observation says how a worker is now: one that could not be delivered for long is worth nothing. */
  private observations({ fleet, bus, observe, deadLetters }: FleetRulesProps): void {
    const delivery = { deadLetterQueue: deadLetters, retryAttempts: 4, maxEventAge: Duration.minutes(10) };
    new Rule(this, 'WorkerObserved', {
      ruleName: `${fleet}-worker-observed`,
      description: 'Worker Idle, Worker Dead: what the control plane in the homelab has seen',
      eventBus: bus,
      eventPattern: { source: [EVENT.homelabSource], detailType: [EVENT.workerIdle, EVENT.workerDead] },
      targets: [new LambdaFunction(observe, delivery)],
    });
    new Rule(this, 'SpotInterruption', {
      ruleName: `${fleet}-spot-interruption`,
      description: 'Spot takes an instance back: tear its worker down while it can still speak',
      eventPattern: { source: [SPOT_WARNING.source], detailType: [SPOT_WARNING.detailType] },
      targets: [new LambdaFunction(observe, delivery)],
    });
  }
}
