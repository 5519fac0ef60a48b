import { AnyPrincipal, Effect, PolicyStatement } from 'aws-cdk-lib/aws-iam';

/** In a key's policy `*` is the key itself. */
const THIS_KEY = ['*'];

/**
 * Nobody but these roles signs, whatever IAM grants. By ARN as text: a role named as principal would have to exist
 * before the key.
 */
export const onlySign = (roleArns: readonly string[]): PolicyStatement =>
  new PolicyStatement({
    sid: 'OnlySignersSign',
    effect: Effect.DENY,
    principals: [new AnyPrincipal()],
    actions: ['kms:Sign'],
    resources: THIS_KEY,
    conditions: { ArnNotEquals: { 'aws:PrincipalArn': [...roleArns] } },
  });

/** Whoever schedules the deletion chooses 7 to 30 days: it shall be 30, time enough to notice. */
export const keepKey = (): PolicyStatement =>
  new PolicyStatement({
    sid: 'DeletionTakesThirtyDays',
    effect: Effect.DENY,
    principals: [new AnyPrincipal()],
    actions: ['kms:ScheduleKeyDeletion'],
    resources: THIS_KEY,
    conditions: { NumericLessThan: { 'kms:ScheduleKeyDeletionPendingWindowInDays': '30' } },
  });
