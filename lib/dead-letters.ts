import { Duration, RemovalPolicy } from 'aws-cdk-lib';
import type { IDestination } from 'aws-cdk-lib/aws-lambda';
import { SqsDestination } from 'aws-cdk-lib/aws-lambda-destinations';
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';

export interface DeadLettersProps {
  readonly fleet: string;
}

/**
 * One place for both kinds of dead letters: events that EventBridge could not deliver, and events whose function threw
 * after its retries (a rule's own queue never sees the latter).
 */
export class DeadLetters extends Construct {
  readonly queue: Queue;
  readonly destination: IDestination;

  constructor(scope: Construct, id: string, { fleet }: DeadLettersProps) {
    super(scope, id);
    this.queue = new Queue(this, 'Queue', {
      queueName: `${fleet}-dead-letters`,
      retentionPeriod: Duration.days(14),
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    this.destination = new SqsDestination(this.queue);
  }
}
