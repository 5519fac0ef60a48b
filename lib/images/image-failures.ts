import { ArnFormat, Stack } from 'aws-cdk-lib';
import { EventField, type EventPattern, Match, Rule, RuleTargetInput } from 'aws-cdk-lib/aws-events';
import { SnsTopic } from 'aws-cdk-lib/aws-events-targets';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { EmailSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import { Construct } from 'constructs';
import { IMAGES, imagePipelineName } from '#contract';
import type { Config } from '../config.ts';

export interface ImageFailuresProps {
  readonly config: Config;
}

const RUN_BOOK = 'docs/operations.md#image-failed';

/**
 * Says when an image could not be made. By events instead of the topic of an infrastructure configuration, which sends
 * a page of JSON for every build, good or bad. A build that runs out of time is a failed one too.
 */
export class ImageFailures extends Construct {
  private readonly prefix: string;

  constructor(scope: Construct, id: string, { config }: ImageFailuresProps) {
    super(scope, id);
    this.prefix = `${config.fleet}-images`;
    const topic = new Topic(this, 'Topic', { topicName: this.prefix, enforceSSL: true });
    const { alarmEmail } = config.operations;
    if (alarmEmail !== undefined) topic.addSubscription(new EmailSubscription(alarmEmail));
    const names = IMAGES.map((image) => imagePipelineName(config.fleet, image));
    this.tell(
      topic,
      'failed',
      {
        detailType: ['EC2 Image Builder Image State Change'],
        resources: names.flatMap((name) => Match.prefix(this.arn('image', `${name}/`))),
        detail: { state: { status: ['FAILED'] } },
      },
      `${EventField.fromPath('$.resources[0]')} could not be made: ${EventField.fromPath('$.detail.state.reason')}`,
    );
    this.tell(
      topic,
      'disabled',
      {
        detailType: ['EC2 Image Builder Image Pipeline Automatically Disabled'],
        resources: names.map((name) => this.arn('image-pipeline', name)),
      },
      `${EventField.fromPath('$.resources[0]')} failed several times in a row: its schedule has ended`,
    );
  }

  private tell(topic: Topic, name: string, pattern: EventPattern, text: string): void {
    new Rule(this, name, {
      ruleName: `${this.prefix}-${name}`,
      eventPattern: { source: ['aws.imagebuilder'], ...pattern },
      targets: [new SnsTopic(topic, { message: RuleTargetInput.fromText(`${text}. Run-book: ${RUN_BOOK}`) })],
    });
  }

  private arn(resource: string, resourceName: string): string {
    const arnFormat = ArnFormat.SLASH_RESOURCE_NAME;
    return Stack.of(this).formatArn({ service: 'imagebuilder', resource, resourceName, arnFormat });
  }
}
