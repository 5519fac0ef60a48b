import { ArnFormat, Duration, Stack } from 'aws-cdk-lib';
import { Alarm, ComparisonOperator, type IMetric, MathExpression, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import { type EventBus, EventField, Rule, RuleTargetInput } from 'aws-cdk-lib/aws-events';
import { SnsTopic } from 'aws-cdk-lib/aws-events-targets';
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { EmailSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import type { StateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import { EVENT } from '#contract';
import type { Config } from './config.ts';
import type { MachineName } from './fleet-machines.ts';

export interface FleetAlarmsProps {
  readonly config: Config;
  readonly bus: EventBus;
  readonly machines: Readonly<Record<MachineName, StateMachine>>;
  readonly deadLetters: IQueue;
}

interface AlarmProps {
  readonly metric: IMetric;
  readonly threshold: number;
  readonly comparison?: ComparisonOperator;
  readonly missing?: TreatMissingData;
  /** What it means and what to do first. */
  readonly text: string;
  /** Section of docs/operations.md. */
  readonly section: string;
}

/** Few alarms (ten are free), each with its section of the run-book. */
export class FleetAlarms extends Construct {
  private readonly fleet: string;
  private readonly topic: Topic;

  constructor(scope: Construct, id: string, { config, bus, machines, deadLetters }: FleetAlarmsProps) {
    super(scope, id);
    this.fleet = config.fleet;
    this.topic = new Topic(this, 'Topic', { topicName: `${config.fleet}-alarms`, enforceSSL: true });
    this.allowAlarms();
    if (config.operations.alarmEmail !== undefined) {
      this.topic.addSubscription(new EmailSubscription(config.operations.alarmEmail));
      if (config.agent.idleMinutes > 0) this.idleWarnings(bus, deadLetters);
    }
    this.renewalAlarms(machines.renew);
    this.removalAlarms(machines);
    this.alarm('dead-letters', {
      metric: deadLetters.metricApproximateNumberOfMessagesVisible({ period: Duration.minutes(5) }),
      threshold: 1,
      text: 'An event was not handled; it waits in the queue of dead letters.',
      section: 'dead-letters',
    });
  }

  /** A topic with a policy of its own has lost the default one, by which alarms of the account may publish. */
  private allowAlarms(): void {
    const { account } = Stack.of(this);
    const alarms = Stack.of(this).formatArn({
      service: 'cloudwatch',
      resource: 'alarm',
      resourceName: `${this.fleet}-*`,
      arnFormat: ArnFormat.COLON_RESOURCE_NAME,
    });
    this.topic.addToResourcePolicy(
      new PolicyStatement({
        principals: [new ServicePrincipal('cloudwatch.amazonaws.com')],
        actions: ['sns:Publish'],
        resources: [this.topic.topicArn],
        conditions: { ArnLike: { 'aws:SourceArn': alarms }, StringEquals: { 'aws:SourceAccount': account } },
      }),
    );
  }

  /** Whoever hears of alarms hears in time of a worker that is about to be torn down. */
  private idleWarnings(bus: EventBus, deadLetterQueue: IQueue): void {
    const [name, teardownAt] = [EventField.fromPath('$.detail.name'), EventField.fromPath('$.detail.teardownAt')];
    const text =
      `Worker ${name} of fleet ${this.fleet} has had nothing to do since ${EventField.fromPath('$.detail.idle.since')} ` +
      `and will be torn down at ${teardownAt}. Give it work to keep it. Run-book: docs/operations.md#idle-workers`;
    new Rule(this, 'IdleWarning', {
      ruleName: `${this.fleet}-idle-warning`,
      description: 'Worker Idle Warning: tell whoever hears of alarms',
      eventBus: bus,
      eventPattern: { source: [EVENT.source], detailType: [EVENT.workerIdleWarning] },
      targets: [new SnsTopic(this.topic, { message: RuleTargetInput.fromText(text), deadLetterQueue })],
    });
  }

  private renewalAlarms(renew: StateMachine): void {
    this.alarm('renewal-failed', {
      metric: unsuccessful(renew, Duration.hours(1)),
      threshold: 1,
      text: 'A certificate could not be renewed; it still has about half of its life.',
      section: 'renewal-failed',
    });
    // Silence is the failure here. Treated as breaching it would ring from the deploy to the first run; the change to
    // INSUFFICIENT_DATA comes only after there has been a run.
    const missing = this.alarm('renewal-missing', {
      metric: renew.metricStarted({ period: Duration.days(1) }),
      threshold: 1,
      comparison: ComparisonOperator.LESS_THAN_THRESHOLD,
      missing: TreatMissingData.MISSING,
      text: 'The daily renewal has not run: certificates will expire.',
      section: 'renewal-failed',
    });
    missing.addInsufficientDataAction(new SnsAction(this.topic));
  }

  private removalAlarms({ teardown, sweep }: FleetAlarmsProps['machines']): void {
    this.alarm('teardown-failed', {
      metric: unsuccessful(teardown, Duration.minutes(5)),
      threshold: 1,
      text: 'A teardown failed: an instance may still cost money.',
      section: 'teardown-or-sweep-failed',
    });
    this.alarm('sweep-failed', {
      metric: unsuccessful(sweep, Duration.minutes(15)),
      threshold: 1,
      text: 'The sweeper failed, or could not take something away.',
      section: 'teardown-or-sweep-failed',
    });
  }

  private alarm(name: string, { metric, threshold, comparison, missing, text, section }: AlarmProps): Alarm {
    const alarm = new Alarm(this, name, {
      alarmName: `${this.fleet}-${name}`,
      alarmDescription: `${text} Run-book: docs/operations.md#${section}`,
      metric,
      threshold,
      evaluationPeriods: 1,
      comparisonOperator: comparison ?? ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
      treatMissingData: missing ?? TreatMissingData.NOT_BREACHING,
    });
    alarm.addAlarmAction(new SnsAction(this.topic));
    return alarm;
  }
}

/** Executions that failed, timed out or were stopped. */
const unsuccessful = (machine: StateMachine, period: Duration): IMetric =>
  new MathExpression({
    expression: 'failed + timedOut + aborted',
    label: 'unsuccessful executions',
    period,
    usingMetrics: {
      failed: machine.metricFailed({ period }),
      timedOut: machine.metricTimedOut({ period }),
      aborted: machine.metricAborted({ period }),
    },
  });
