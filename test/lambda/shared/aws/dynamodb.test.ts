import {
  ConditionalCheckFailedException,
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  TransactionCanceledException,
  TransactWriteItemsCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import { beforeEach, describe, expect, it } from 'vitest';
import { absent, all, any, atMost, equals, type Item, oneOf } from '../../../../lambda/registry/store.ts';
import { createDynamoStore } from '../../../../lambda/shared/aws/dynamodb.ts';
import { ThrottledError } from '../../../../lambda/shared/errors.ts';
import { mockClient } from '../../../support/mock-client.ts';

const dynamo = mockClient(DynamoDBClient);
const store = createDynamoStore(new DynamoDBClient({ region: 'us-west-2' }), 'registry');
const item: Item = { pk: 'WORKER#a', kind: 'WORKER', phase: 'RESERVED', absent: undefined };

const canceled = (...codes: string[]) =>
  new TransactionCanceledException({
    message: 'Transaction cancelled',
    CancellationReasons: codes.map((Code) => ({ Code })),
    $metadata: { httpStatusCode: 400 },
  });

beforeEach(() => {
  dynamo.reset();
});

describe('the table', () => {
  it('is read strongly consistent', async () => {
    dynamo.on(GetItemCommand).resolves({ Item: { pk: { S: 'WORKER#a' }, kind: { S: 'WORKER' } } });

    expect(await store.get('WORKER#a')).toEqual({ pk: 'WORKER#a', kind: 'WORKER' });
    expect(dynamo.commandCalls(GetItemCommand)[0]?.args[0].input).toMatchObject({ ConsistentRead: true });
  });

  it('is written under a condition, with a placeholder for every name', async () => {
    dynamo.on(PutItemCommand).resolves({});

    const written = await store.put({
      item,
      condition: any(absent('pk'), all(oneOf('phase', ['READY', 'REMOVED']), atMost('lease.expiresAt', '2026'))),
    });

    expect(written).toBe(true);
    expect(dynamo.commandCalls(PutItemCommand)[0]?.args[0].input).toEqual({
      TableName: 'registry',
      Item: { pk: { S: 'WORKER#a' }, kind: { S: 'WORKER' }, phase: { S: 'RESERVED' } },
      ConditionExpression: '(attribute_not_exists(#pk) OR (#phase IN (:v0, :v1) AND #lease.#expiresAt <= :v2))',
      ExpressionAttributeNames: { '#pk': 'pk', '#phase': 'phase', '#lease': 'lease', '#expiresAt': 'expiresAt' },
      ExpressionAttributeValues: { ':v0': { S: 'READY' }, ':v1': { S: 'REMOVED' }, ':v2': { S: '2026' } },
    });
  });

  it('is updated in one expression and answers with the item afterwards', async () => {
    dynamo.on(UpdateItemCommand).resolves({ Attributes: { pk: { S: 'WORKER#a' }, teardownAttempt: { N: '2' } } });

    const after = await store.update({
      pk: 'WORKER#a',
      set: { phase: 'TEARING_DOWN' },
      setOnce: { fencedAt: 'now' },
      add: { teardownAttempt: 1 },
      remove: ['openCommand'],
      condition: equals('generation', 'mhx0000a'),
    });

    expect(after).toEqual({ pk: 'WORKER#a', teardownAttempt: 2 });
    expect(dynamo.commandCalls(UpdateItemCommand)[0]?.args[0].input).toMatchObject({
      UpdateExpression:
        'SET #phase = :v0, #fencedAt = if_not_exists(#fencedAt, :v1) ADD #teardownAttempt :v2 REMOVE #openCommand',
      ConditionExpression: '#generation IN (:v3)',
      ExpressionAttributeValues: { ':v0': { S: 'TEARING_DOWN' }, ':v2': { N: '1' }, ':v3': { S: 'mhx0000a' } },
    });
  });

  it('says that a condition did not hold without an error', async () => {
    const refused = new ConditionalCheckFailedException({ message: 'no', $metadata: {} });
    dynamo.on(PutItemCommand).rejects(refused).on(UpdateItemCommand).rejects(refused);

    expect(await store.put({ item, condition: absent('pk') })).toBe(false);
    expect(await store.update({ pk: 'WORKER#a', set: { a: 1 }, condition: absent('pk') })).toBeUndefined();
  });

  it('is listed by the index, page by page', async () => {
    const page = (pk: string, last: boolean) => ({
      Items: [{ pk: { S: pk }, kind: { S: 'ADDR' } }],
      ...(!last && { LastEvaluatedKey: { pk: { S: pk } } }),
    });
    dynamo.on(QueryCommand).resolvesOnce(page('1', false)).resolvesOnce(page('2', true));

    expect((await store.list('ADDR')).map(({ pk }) => pk)).toEqual(['1', '2']);
    expect(dynamo.commandCalls(QueryCommand)[0]?.args[0].input).toMatchObject({ IndexName: 'byKind' });
    expect(dynamo.commandCalls(QueryCommand)[1]?.args[0].input).toMatchObject({
      ExclusiveStartKey: { pk: { S: '1' } },
    });
  });

  it('throttling is told apart from a condition', async () => {
    dynamo.on(PutItemCommand).rejects(Object.assign(new Error('slow down'), { name: 'ThrottlingException' }));

    await expect(store.put({ item })).rejects.toThrow(ThrottledError);
  });
});

describe('a transaction', () => {
  const puts = [{ item, condition: absent('pk') }, { item: { ...item, pk: 'ADDR#1' } }];

  it('is done', async () => {
    dynamo.on(TransactWriteItemsCommand).resolves({});

    expect(await store.transact(puts)).toEqual({ done: true });
    const [call] = dynamo.commandCalls(TransactWriteItemsCommand);
    expect(call?.args[0].input.TransactItems).toMatchObject([
      { Put: { ConditionExpression: 'attribute_not_exists(#pk)' } },
      { Put: { Item: { pk: { S: 'ADDR#1' } } } },
    ]);
  });

  it('says which of its conditions did not hold', async () => {
    dynamo.on(TransactWriteItemsCommand).rejects(canceled('None', 'ConditionalCheckFailed'));

    expect(await store.transact(puts)).toEqual({ done: false, failed: [1] });
  });

  it.each(['TransactionConflict', 'ThrottlingError', 'ProvisionedThroughputExceeded'])(
    'that met %s may be tried again',
    async (code) => {
      dynamo.on(TransactWriteItemsCommand).rejects(canceled('None', code));

      expect(await store.transact(puts)).toEqual({ done: false, failed: [] });
    },
  );

  it('that is malformed is an error', async () => {
    dynamo.on(TransactWriteItemsCommand).rejects(canceled('ValidationError', 'None'));

    await expect(store.transact(puts)).rejects.toThrow(TransactionCanceledException);
  });
});
