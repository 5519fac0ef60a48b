import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { ServiceUnavailableError } from '../errors.ts';
import { awsCall } from './aws-errors.ts';

export interface BusEvent {
  readonly source: string;
  readonly detailType: string;
  readonly detail: object;
}
/** @throws ServiceUnavailableError when the bus did not take the event */
export type PublishEvent = (event: BusEvent) => Promise<void>;

export const createEventClient = (): EventBridgeClient =>
  new EventBridgeClient({ retryMode: 'adaptive', maxAttempts: 5 });

export const createPublisher =
  (client: EventBridgeClient, bus: string): PublishEvent =>
  async ({ source, detailType, detail }) => {
    const entry = { EventBusName: bus, Source: source, DetailType: detailType, Detail: JSON.stringify(detail) };
    const command = new PutEventsCommand({ Entries: [entry] });
    const { Entries, FailedEntryCount } = await awsCall('events:PutEvents', () => client.send(command));
    if ((FailedEntryCount ?? 0) === 0) return;
    // PutEvents answers 200 even where it refused the entry.
    throw new ServiceUnavailableError({
      what: `event ${detailType} was not taken by the bus`,
      got: `${Entries?.[0]?.ErrorCode}: ${Entries?.[0]?.ErrorMessage}`,
      remedy: 'none needed: the registry has the state, GET /workers shows it',
    });
  };
