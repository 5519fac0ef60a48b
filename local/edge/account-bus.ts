import {
  EventBridgeClient,
  ListRulesCommand,
  ListTargetsByRuleCommand,
  TestEventPatternCommand,
} from '@aws-sdk/client-eventbridge';
import { ServiceUnavailableError } from '#shared/errors.ts';

export interface AccountEvent {
  readonly DetailType: string;
  /** JSON. */
  readonly Detail: string;
  readonly Resources: readonly string[];
}

const ACCOUNT = '000000000000';

/**
 * The default bus, as EC2 uses it. MiniStack takes no event whose source is AWS, so the edge finds the rules that want it
 * and calls their functions itself.
 */
export class AccountBus {
  readonly #client: EventBridgeClient;
  readonly #endpoint: string;
  readonly #region: string;

  constructor(endpoint: string, region: string) {
    this.#client = new EventBridgeClient({
      endpoint,
      region,
      credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    });
    this.#endpoint = endpoint;
    this.#region = region;
  }

  /** @throws ServiceUnavailableError where a function does not take the event */
  async announce({ DetailType, Detail, Resources }: AccountEvent): Promise<void> {
    const event = JSON.stringify({
      version: '0',
      id: crypto.randomUUID(),
      'detail-type': DetailType,
      source: 'aws.ec2',
      account: ACCOUNT,
      time: `${new Date().toISOString().slice(0, -5)}Z`,
      region: this.#region,
      resources: Resources,
      detail: JSON.parse(Detail) as unknown,
    });
    for (const target of await this.#targets(event)) await this.#invoke(target, event);
  }

  destroy(): void {
    this.#client.destroy();
  }

  /** ARNs of the functions of all rules that the event matches. */
  async #targets(event: string): Promise<string[]> {
    const { Rules = [] } = await this.#client.send(new ListRulesCommand({}));
    const targets: string[] = [];
    for (const { Name, EventPattern, State } of Rules) {
      if (EventPattern === undefined || State !== 'ENABLED') continue;
      const { Result } = await this.#client.send(new TestEventPatternCommand({ EventPattern, Event: event }));
      if (Result !== true) continue;
      const { Targets = [] } = await this.#client.send(new ListTargetsByRuleCommand({ Rule: Name }));
      targets.push(...Targets.flatMap(({ Arn = '' }) => (Arn.includes(':lambda:') ? [Arn] : [])));
    }
    return targets;
  }

  async #invoke(functionArn: string, event: string): Promise<void> {
    const url = `${this.#endpoint}/2015-03-31/functions/${encodeURIComponent(functionArn)}/invocations`;
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'x-amz-invocation-type': 'Event', 'content-type': 'application/json' },
      body: event,
    });
    if (response.ok) return;
    throw new ServiceUnavailableError({
      what: 'a function did not take an event of EC2',
      got: `${functionArn}: ${response.status} ${(await response.text()).slice(0, 300)}`,
      remedy: 'read the emulator’s log below .carrierarr/clouds',
    });
  }
}
