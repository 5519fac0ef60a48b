import type { Template } from 'aws-cdk-lib/assertions';
import { flatten, resourcesOf } from './app.ts';

export interface Statement {
  readonly Effect: 'Allow' | 'Deny';
  readonly Action: string | readonly string[];
  readonly Resource: string | readonly string[];
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly Sid?: string;
}

const POLICIES = ['AWS::IAM::Policy', 'AWS::IAM::ManagedPolicy'];

/** Every statement of an identity policy, with the logical id of its policy. */
export const statementsOf = (template: Template): { policy: string; statement: Statement }[] =>
  Object.entries(resourcesOf(template))
    .filter(([, { Type }]) => POLICIES.includes(Type))
    .flatMap(([policy, { Properties }]) => {
      const { Statement } = flatten(Properties.PolicyDocument) as { Statement: Statement[] };
      return Statement.map((statement) => ({ policy, statement }));
    });

export const listOf = (value: string | readonly string[]): readonly string[] => [value].flat();

/** The statements of one function or role that allow an action. */
export const allowing = (template: Template, policy: RegExp, action: string): Statement[] =>
  statementsOf(template)
    .filter((item) => policy.test(item.policy))
    .map(({ statement }) => statement)
    .filter(({ Effect, Action }) => Effect === 'Allow' && listOf(Action).includes(action));
