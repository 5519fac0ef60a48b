import { describe, expect, it } from 'vitest';
import { HOMELAB_STEPS, STEPS } from '#contract';
import { policyVariable } from '../../lib/iam/statement.ts';
import { flatten, resourcesOf, synthesise } from './support/app.ts';
import { allowing, listOf } from './support/policies.ts';

const { steps, fleet } = synthesise();

const SECRETS = {
  nebula: 'arn:aws:secretsmanager:us-west-2:111122223333:secret:catalyst-llm/nebula-*',
  handover: 'arn:aws:secretsmanager:us-west-2:111122223333:secret:catalyst-llm/handover-*',
};
const boundTo = (tag: string, source: string) => ({
  StringEquals: { [`aws:ResourceTag/${tag}`]: policyVariable(source) },
  Null: { [source]: 'false' },
});
const document = (step: string): string => `arn:aws:ssm:us-west-2:111122223333:document/carrierarr-${step}`;

describe('the homelab’s node', () => {
  const may = (action: string) => allowing(steps, /^HomelabRole/, action);

  it('is assumed by Systems Manager alone, for this account and region', () => {
    const [role] = Object.values(resourcesOf(steps)).filter(
      ({ Properties }) => Properties?.RoleName === 'carrierarr-homelab-node-us-west-2',
    );

    expect((flatten(role?.Properties.AssumeRolePolicyDocument) as { Statement: unknown }).Statement).toEqual([
      {
        Action: 'sts:AssumeRole',
        Effect: 'Allow',
        Principal: { Service: 'ssm.amazonaws.com' },
        Condition: {
          StringEquals: { 'aws:SourceAccount': '111122223333' },
          ArnEquals: { 'aws:SourceArn': 'arn:aws:ssm:us-west-2:111122223333:*' },
        },
      },
    ]);
  });

  it('touches no secret but the end of a handover that is bound to it', () => {
    const [reads, writes] = ['GetSecretValue', 'PutSecretValue'].map((action) => may(`secretsmanager:${action}`));

    expect(reads).toMatchObject([
      { Resource: SECRETS.handover, Condition: boundTo('carrierarr:instance', 'ssm:SourceInstanceARN') },
    ]);
    expect(writes).toMatchObject([
      { Resource: SECRETS.handover, Condition: boundTo('carrierarr:writer', 'ssm:SourceInstanceARN') },
    ]);
  });

  it('reads the homelab’s documents and no other', () => {
    expect(may('ssm:GetDocument').map(({ Resource }) => Resource)).toEqual([
      Object.keys(HOMELAB_STEPS).map(document).sort(),
    ]);
  });

  it.each([
    'ssm:GetParameter',
    'ssm:SendCommand',
    'ssm:CreateActivation',
    'secretsmanager:TagResource',
    'ec2:CreateTags',
  ])('may not %s', (action) => {
    expect(may(action)).toEqual([]);
  });
});

describe('an operator', () => {
  const may = (action: string) => allowing(fleet, /^OperatorPolicy/, action);

  it('activates the homelab’s node with its own role, for Systems Manager alone', () => {
    expect(may('ssm:CreateActivation')).toHaveLength(1);
    expect(may('iam:PassRole')).toMatchObject([
      {
        Resource: 'arn:aws:iam::111122223333:role/carrierarr-homelab-node-us-west-2',
        Condition: { StringEquals: { 'iam:PassedToService': 'ssm.amazonaws.com' } },
      },
    ]);
  });

  it('takes away the node of its own fleet’s homelab and no other', () => {
    expect(may('ssm:DeregisterManagedInstance')).toMatchObject([
      {
        Resource: 'arn:aws:ssm:us-west-2:111122223333:managed-instance/*',
        Condition: {
          StringEquals: {
            'ssm:resourceTag/carrierarr:fleet': 'carrierarr',
            'ssm:resourceTag/carrierarr:role': 'homelab',
          },
        },
      },
    ]);
  });

  it.each(['ssm:SendCommand', 'secretsmanager:GetSecretValue', 'iam:CreateRole'])('may not %s', (action) => {
    expect(may(action)).toEqual([]);
  });
});

describe('identity', () => {
  it('reads identities and the key of agent tokens, never what nodes hand over', () => {
    expect(
      allowing(fleet, /^Functionsidentity/, 'secretsmanager:GetSecretValue').map(({ Resource }) => Resource),
    ).toEqual([SECRETS.nebula, expect.stringMatching(/^<AgentKeySecret/)]);
  });
});

describe('a worker', () => {
  const may = (action: string) => allowing(fleet, /^NodesIdentityRole/, action);

  it('reads its own secret, and what is handed over to it: what is bound to its own instance', () => {
    expect(may('secretsmanager:GetSecretValue')).toEqual([
      {
        Action: 'secretsmanager:GetSecretValue',
        Effect: 'Allow',
        Resource: [SECRETS.handover, SECRETS.nebula],
        Condition: boundTo('carrierarr:instance', 'ec2:SourceInstanceARN'),
      },
    ]);
  });

  it('writes no secret but the handover of which it is the writer', () => {
    expect(may('secretsmanager:PutSecretValue')).toEqual([
      {
        Action: 'secretsmanager:PutSecretValue',
        Effect: 'Allow',
        Resource: SECRETS.handover,
        Condition: boundTo('carrierarr:writer', 'ec2:SourceInstanceARN'),
      },
    ]);
  });

  it.each([
    'ssm:GetParameter',
    'ssm:GetParameters',
    'ec2:CreateTags',
    'events:PutEvents',
    'secretsmanager:TagResource',
    'secretsmanager:ListSecrets',
    'ssm:SendCommand',
  ])('may not %s', (action) => {
    expect(may(action)).toEqual([]);
  });
});

describe('steps', () => {
  it('of workers run on the fleet’s workers', () => {
    const [documents, instances, ...more] = allowing(fleet, /^Functionsruncommand/, 'ssm:SendCommand');

    expect(more).toEqual([]);
    expect(listOf(documents?.Resource ?? [])).toEqual(Object.keys(STEPS).map(document).sort());
    expect(instances).toMatchObject({
      Resource: 'arn:aws:ec2:us-west-2:111122223333:instance/*',
      Condition: {
        StringEquals: { 'ssm:resourceTag/carrierarr:fleet': 'carrierarr' },
        Null: { 'ssm:resourceTag/carrierarr:worker': 'false' },
      },
    });
  });

  it('of the homelab run on its node, by a function of their own', () => {
    const [documents, nodes, ...more] = allowing(fleet, /^Functionshomelab/, 'ssm:SendCommand');

    expect(more).toEqual([]);
    expect(listOf(documents?.Resource ?? [])).toEqual(Object.keys(HOMELAB_STEPS).map(document).sort());
    expect(nodes).toMatchObject({
      Resource: 'arn:aws:ssm:us-west-2:111122223333:managed-instance/*',
      Condition: {
        StringEquals: {
          'ssm:resourceTag/carrierarr:fleet': 'carrierarr',
          'ssm:resourceTag/carrierarr:role': 'homelab',
        },
      },
    });
  });
});
