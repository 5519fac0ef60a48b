import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import type { Session } from './create-session.ts';
import type { AwsSettings } from './settings.ts';
import type { BusEntry } from './to-event.ts';

/** What became of one entry; undefined when the bus has taken it. */
export type Refused = { readonly code: string; readonly message: string } | undefined;
/** Puts at most ten entries; one answer for each, in order. */
export type PutEvents = (entries: readonly BusEntry[]) => Promise<Refused[]>;

/** A connection that says nothing must not hold the queue up. */
const LIMITS = { connectionTimeout: 5_000, requestTimeout: 10_000 };

/** The one bus, with the credentials of the session. */
export const createPutEvents = (settings: AwsSettings, credentials: () => Promise<Session>): PutEvents => {
  const client = new EventBridgeClient({
    region: settings.region,
    credentials,
    // The queue tries again by itself.
    maxAttempts: 1,
    requestHandler: LIMITS,
    ...(settings.eventsEndpoint === undefined ? {} : { endpoint: settings.eventsEndpoint }),
  });
  return async (entries) => {
    const { Entries = [] } = await client.send(
      new PutEventsCommand({
        Entries: entries.map(({ source, detailType, detail }) => ({
          EventBusName: settings.bus,
          Source: source,
          DetailType: detailType,
          Detail: JSON.stringify(detail),
        })),
      }),
    );
    return entries.map((_, index) => {
      const { ErrorCode: code, ErrorMessage: message = '' } = Entries[index] ?? {};
      return code === undefined ? undefined : { code, message };
    });
  };
};
