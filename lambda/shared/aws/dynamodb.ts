import {
  type AttributeValue,
  type CancellationReason,
  DeleteItemCommand,
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  paginateQuery,
  TransactWriteItemsCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import type { Condition, Item, Put, Store, Update } from '../../registry/store.ts';
import { awsCall, isAwsError } from './aws-errors.ts';

export type DynamoClient = DynamoDBClient;
type Attributes = Record<string, AttributeValue>;

export const createDynamoClient = (): DynamoClient => new DynamoDBClient({ retryMode: 'adaptive', maxAttempts: 10 });

/** Collects the placeholders of one request; every name gets one, because DynamoDB reserves hundreds of words. */
class Placeholders {
  readonly #names = new Map<string, string>();
  readonly #values = new Map<string, unknown>();

  /** `lease.holder` becomes `#lease.#holder`. */
  name(path: string): string {
    return path
      .split('.')
      .map((part) => {
        this.#names.set(`#${part}`, part);
        return `#${part}`;
      })
      .join('.');
  }

  value(value: unknown): string {
    const placeholder = `:v${this.#values.size}`;
    this.#values.set(placeholder, value);
    return placeholder;
  }

  parameters(): { ExpressionAttributeNames?: Record<string, string>; ExpressionAttributeValues?: Attributes } {
    return {
      ...(this.#names.size > 0 && { ExpressionAttributeNames: Object.fromEntries(this.#names) }),
      ...(this.#values.size > 0 && { ExpressionAttributeValues: toAttributes(Object.fromEntries(this.#values)) }),
    };
  }
}

const toAttributes = (value: object): Attributes => marshall(value, { removeUndefinedValues: true });

const conditionExpression = (condition: Condition, to: Placeholders): string => {
  if ('all' in condition) return `(${condition.all.map((part) => conditionExpression(part, to)).join(' AND ')})`;
  if ('any' in condition) return `(${condition.any.map((part) => conditionExpression(part, to)).join(' OR ')})`;
  if ('absent' in condition) return `attribute_not_exists(${to.name(condition.absent)})`;
  const name = to.name(condition.attribute);
  if ('atMost' in condition) return `${name} <= ${to.value(condition.atMost)}`;
  return `${name} IN (${condition.oneOf.map((value) => to.value(value)).join(', ')})`;
};

const updateExpression = (update: Update, to: Placeholders): string => {
  const set = Object.entries(update.set ?? {}).map(([name, value]) => `${to.name(name)} = ${to.value(value)}`);
  const once = Object.entries(update.setOnce ?? {}).map(
    ([name, value]) => `${to.name(name)} = if_not_exists(${to.name(name)}, ${to.value(value)})`,
  );
  const add = Object.entries(update.add ?? {}).map(([name, by]) => `${to.name(name)} ${to.value(by)}`);
  const remove = (update.remove ?? []).map((name) => to.name(name));
  return [
    set.length + once.length > 0 ? `SET ${[...set, ...once].join(', ')}` : '',
    add.length > 0 ? `ADD ${add.join(', ')}` : '',
    remove.length > 0 ? `REMOVE ${remove.join(', ')}` : '',
  ]
    .filter(Boolean)
    .join(' ');
};

const putParameters = (table: string, { item, condition }: Put) => {
  const to = new Placeholders();
  return {
    TableName: table,
    Item: toAttributes(item),
    ...(condition !== undefined && { ConditionExpression: conditionExpression(condition, to) }),
    ...to.parameters(),
  };
};

const updateParameters = (table: string, update: Update) => {
  const to = new Placeholders();
  return {
    TableName: table,
    Key: { pk: { S: update.pk } },
    UpdateExpression: updateExpression(update, to),
    ...(update.condition !== undefined && { ConditionExpression: conditionExpression(update.condition, to) }),
    ...to.parameters(),
    ReturnValues: 'ALL_NEW' as const,
  };
};

const toItem = (attributes: Attributes): Item => unmarshall(attributes) as Item;

/** Undefined when the condition did not hold. */
const conditional = async <T>(call: string, run: () => Promise<T>): Promise<T | undefined> => {
  try {
    return await awsCall(call, run);
  } catch (error) {
    if (isAwsError(error, 'ConditionalCheckFailedException')) return undefined;
    throw error;
  }
};

/** Reasons after which another try may succeed: somebody else's transaction, or throttling, was in the way. */
const PASSING = new Set(['TransactionConflict', 'ThrottlingError', 'ProvisionedThroughputExceeded']);

const cancellationReasons = (error: unknown): readonly CancellationReason[] | undefined =>
  isAwsError(error, 'TransactionCanceledException') && 'CancellationReasons' in error
    ? (error.CancellationReasons as CancellationReason[])
    : undefined;

/** The registry's store on DynamoDB: key `pk`, index `byKind` (partition `kind`, sort `pk`). */
export const createDynamoStore = (client: DynamoClient, table: string): Store => ({
  async get(pk) {
    const get = new GetItemCommand({ TableName: table, Key: { pk: { S: pk } }, ConsistentRead: true });
    const { Item: attributes } = await awsCall('dynamodb:GetItem', () => client.send(get));
    return attributes === undefined ? undefined : toItem(attributes);
  },
  async put(put) {
    const command = new PutItemCommand(putParameters(table, put));
    return (await conditional('dynamodb:PutItem', () => client.send(command))) !== undefined;
  },
  async update(update) {
    const command = new UpdateItemCommand(updateParameters(table, update));
    const output = await conditional('dynamodb:UpdateItem', () => client.send(command));
    return output?.Attributes === undefined ? undefined : toItem(output.Attributes);
  },
  async remove(pk) {
    const command = new DeleteItemCommand({ TableName: table, Key: { pk: { S: pk } } });
    await awsCall('dynamodb:DeleteItem', () => client.send(command));
  },
  async transact(puts) {
    const TransactItems = puts.map((put) => ({ Put: putParameters(table, put) }));
    try {
      await awsCall('dynamodb:TransactWriteItems', () => client.send(new TransactWriteItemsCommand({ TransactItems })));
      return { done: true };
    } catch (error) {
      const reasons = cancellationReasons(error);
      const failed = reasons?.flatMap(({ Code }, index) => (Code === 'ConditionalCheckFailed' ? [index] : [])) ?? [];
      const passing = reasons?.some(({ Code }) => Code !== undefined && PASSING.has(Code)) ?? false;
      if (failed.length > 0 || passing) return { done: false, failed };
      throw error;
    }
  },
  async list(kind) {
    const query = {
      TableName: table,
      IndexName: 'byKind',
      KeyConditionExpression: '#kind = :kind',
      ExpressionAttributeNames: { '#kind': 'kind' },
      ExpressionAttributeValues: { ':kind': { S: kind } },
    };
    return await awsCall('dynamodb:Query', async () => {
      const items: Item[] = [];
      for await (const page of paginateQuery({ client }, query)) items.push(...(page.Items ?? []).map(toItem));
      return items;
    });
  },
});
