import type { Table } from 'aws-cdk-lib/aws-dynamodb';
import type { EventBus } from 'aws-cdk-lib/aws-events';
import type { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { EVENT } from '#contract';
import { allow } from './statement.ts';

/** Rows of the registry; a transaction needs the permissions of its parts. */
export const registryAccess = (table: Pick<Table, 'tableArn'>): PolicyStatement =>
  allow(
    [
      'dynamodb:GetItem',
      'dynamodb:Query',
      'dynamodb:PutItem',
      'dynamodb:UpdateItem',
      'dynamodb:DeleteItem',
      'dynamodb:ConditionCheckItem',
    ],
    [table.tableArn, `${table.tableArn}/index/byKind`],
  );

/** Reading the registry and writing down what was observed; no row is made or taken away. */
export const registryNotes = (table: Pick<Table, 'tableArn'>): PolicyStatement =>
  allow(
    ['dynamodb:GetItem', 'dynamodb:Query', 'dynamodb:UpdateItem'],
    [table.tableArn, `${table.tableArn}/index/byKind`],
  );

/** Events in the fleet's own name only. */
export const announce = (bus: Pick<EventBus, 'eventBusArn'>): PolicyStatement =>
  allow(['events:PutEvents'], [bus.eventBusArn], { StringEquals: { 'events:source': EVENT.source } });
