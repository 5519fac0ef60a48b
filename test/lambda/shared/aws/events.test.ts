import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { beforeEach, describe, expect, it } from 'vitest';
import { createPublisher } from '../../../../lambda/shared/aws/events.ts';
import { ServiceUnavailableError } from '../../../../lambda/shared/errors.ts';
import { mockClient } from '../../../support/mock-client.ts';

const bus = mockClient(EventBridgeClient);
const publish = createPublisher(new EventBridgeClient({ region: 'us-west-2' }), 'carrierarr');
const event = { source: 'carrierarr.fleet', detailType: 'Worker Ready', detail: { name: 'gpu-worker-001' } };

beforeEach(() => {
  bus.reset();
});

describe('publishing an event', () => {
  it('puts it on the bus', async () => {
    bus.on(PutEventsCommand).resolves({ FailedEntryCount: 0, Entries: [{ EventId: '1' }] });

    await publish(event);

    expect(bus.commandCalls(PutEventsCommand)[0]?.args[0].input.Entries).toEqual([
      {
        EventBusName: 'carrierarr',
        Source: 'carrierarr.fleet',
        DetailType: 'Worker Ready',
        Detail: '{"name":"gpu-worker-001"}',
      },
    ]);
  });

  it('is an error when the bus answers 200 but did not take it', async () => {
    bus.on(PutEventsCommand).resolves({ FailedEntryCount: 1, Entries: [{ ErrorCode: 'InternalFailure' }] });

    await expect(publish(event)).rejects.toThrow(ServiceUnavailableError);
  });
});
