import { describe, expect, it } from 'vitest';
import { WITHOUT_RESOURCE } from '../../lib/iam/statement.ts';
import { flatten, resourcesOf, synthesise } from './support/app.ts';
import { allowing, listOf, statementsOf } from './support/policies.ts';

const { mesh, images, steps, fleet } = synthesise();
const everything = [mesh, images, steps, fleet].flatMap(statementsOf);

/** Statements that the CDK writes itself and that name no resource, with the reason. */
const BY_THE_CDK: Readonly<Record<string, string>> = {
  'logs:CreateLogDelivery': 'log delivery of a state machine knows no resource',
  'logs:GetLogDelivery': 'log delivery of a state machine knows no resource',
  'logs:UpdateLogDelivery': 'log delivery of a state machine knows no resource',
  'logs:DeleteLogDelivery': 'log delivery of a state machine knows no resource',
  'logs:ListLogDeliveries': 'log delivery of a state machine knows no resource',
  'logs:PutResourcePolicy': 'resource policies of logs are the account’s',
  'logs:DescribeResourcePolicies': 'resource policies of logs are the account’s',
  'logs:DescribeLogGroups': 'listing knows no resource',
};

describe('least privilege', () => {
  it('leaves no resource open, but for actions that know none, each with its reason', () => {
    const known = { ...WITHOUT_RESOURCE, ...BY_THE_CDK };
    const open = everything
      .filter(({ statement }) => statement.Effect === 'Allow' && listOf(statement.Resource).includes('*'))
      .flatMap(({ policy, statement }) => listOf(statement.Action).map((action) => ({ policy, action })));

    expect(open.length).toBeGreaterThan(0);
    expect(open.filter(({ action }) => !(action in known))).toEqual([]);
  });

  it('keeps no exception that nothing uses', () => {
    const used = new Set(everything.flatMap(({ statement }) => listOf(statement.Action)));

    expect(Object.keys({ ...WITHOUT_RESOURCE, ...BY_THE_CDK }).filter((action) => !used.has(action))).toEqual([]);
  });

  it('allows no action by a wildcard', () => {
    const wild = everything.flatMap(({ statement }) => listOf(statement.Action)).filter((action) => /\*/.test(action));

    expect(wild).toEqual([]);
  });

  it('attaches no policy that AWS wrote', () => {
    const attached = [mesh, images, steps, fleet]
      .flatMap((template) => Object.values(resourcesOf(template)))
      .filter(({ Type }) => Type === 'AWS::IAM::Role')
      .map(({ Properties }) => Properties.ManagedPolicyArns)
      .filter((arns) => arns !== undefined);

    expect(attached).toEqual([]);
  });
});

describe('launch', () => {
  const may = (action: string) => allowing(fleet, /^Functionslaunch/, action);

  it('runs only the configured types from the fleet’s templates, tagged as a worker, with IMDSv2', () => {
    const onInstances = may('ec2:RunInstances').find(({ Resource }) =>
      listOf(Resource).some((arn) => /:instance\//.test(arn)),
    );

    expect(onInstances?.Condition).toEqual({
      StringEquals: {
        'aws:RequestTag/carrierarr:fleet': 'carrierarr',
        'ec2:InstanceType': ['t3.medium', 'g4dn.xlarge', 'g5.xlarge', 'g6.xlarge'],
        'ec2:MetadataHttpTokens': 'required',
      },
      ArnEquals: {
        'ec2:LaunchTemplate': [expect.stringMatching(/launch-template/), expect.stringMatching(/launch-template/)],
      },
      Null: { 'aws:RequestTag/carrierarr:worker': 'false' },
    });
  });

  it('runs only images of this account', () => {
    const onImages = may('ec2:RunInstances').find(({ Resource }) =>
      listOf(Resource).some((arn) => /:image\//.test(arn)),
    );

    expect(onImages?.Condition).toEqual({ StringEquals: { 'ec2:Owner': '111122223333' } });
  });

  it('tags what it launches and nothing else', () => {
    expect(may('ec2:CreateTags').map(({ Condition }) => Condition)).toEqual([
      { StringEquals: { 'ec2:CreateAction': ['CreateFleet', 'RunInstances'] } },
    ]);
  });

  it('passes the worker’s role to EC2 alone', () => {
    expect(may('iam:PassRole')).toMatchObject(
      [
        {
          Resource: '<NodesIdentityRole.Arn>',
          Condition: { StringEquals: { 'iam:PassedToService': 'ec2.amazonaws.com' } },
        },
      ].map((statement) => ({ ...statement, Resource: expect.stringMatching(/^<NodesIdentityRole\w+\.Arn>$/) })),
    );
  });

  it('binds a secret of the fleet’s to an instance, by no other tag', () => {
    expect(may('secretsmanager:TagResource').map(({ Condition }) => Condition)).toEqual([
      {
        StringEquals: { 'aws:ResourceTag/carrierarr:fleet': 'carrierarr' },
        'ForAllValues:StringEquals': { 'aws:TagKeys': ['carrierarr:instance'] },
      },
    ]);
    expect(may('secretsmanager:GetSecretValue')).toEqual([]);
  });
});

describe('the CA key', () => {
  it('is used by the signing functions alone, Ed25519 over raw messages', () => {
    const signers = fleetAndMesh('kms:Sign');

    expect(signers.map(({ policy }) => policy.replace(/Role.*/, '')).sort()).toEqual([
      'CaOnEvent',
      'Functionscertificates',
      'Functionsidentity',
    ]);
    for (const { statement } of signers) {
      expect(statement.Condition).toEqual({
        StringEquals: { 'kms:SigningAlgorithm': 'ED25519_SHA_512', 'kms:MessageType': 'RAW' },
      });
      expect(listOf(statement.Action)).toEqual(['kms:Sign']);
    }
  });

  it('refuses everybody else by its own policy, and a hasty deletion', () => {
    const [key] = Object.values(resourcesOf(mesh)).filter(({ Type }) => Type === 'AWS::KMS::Key');
    const { Statement } = flatten(key?.Properties.KeyPolicy) as { Statement: unknown[] };

    expect(Statement).toEqual(
      expect.arrayContaining([
        expect.objectContaining({
          Effect: 'Deny',
          Action: 'kms:Sign',
          Condition: {
            ArnNotEquals: {
              'aws:PrincipalArn': ['ca', 'identity', 'certificates'].map(
                (name) => `arn:aws:iam::111122223333:role/carrierarr-${name}-us-west-2`,
              ),
            },
          },
        }),
        expect.objectContaining({
          Effect: 'Deny',
          Action: 'kms:ScheduleKeyDeletion',
          Condition: { NumericLessThan: { 'kms:ScheduleKeyDeletionPendingWindowInDays': '30' } },
        }),
      ]),
    );
  });

  const fleetAndMesh = (action: string) =>
    everything.filter(({ statement }) => statement.Effect === 'Allow' && listOf(statement.Action).includes(action));
});

describe('the key of agent tokens', () => {
  const ARN = 'arn:aws:secretsmanager:us-west-2:111122223333:secret:carrierarr/agent-key-AbCdEf';
  const reaches = (resource: string): boolean =>
    resource.startsWith('<AgentKeySecret') ||
    new RegExp(`^${resource.replace(/[.+?^$()|[\]\\]/g, '\\$&').replaceAll('*', '.*')}$`).test(ARN);
  const secretActions = (actions: readonly string[]) =>
    // Listing knows no resource, and shows no value.
    actions.filter((action) => action.startsWith('secretsmanager:') && action !== 'secretsmanager:ListSecrets');

  it('is read by the identity function alone: no worker reaches its name', () => {
    const reaching = everything
      .filter(({ statement }) => statement.Effect === 'Allow' && listOf(statement.Resource).some(reaches))
      .map(({ policy, statement }) => [policy.replace(/Role.*/, ''), secretActions(listOf(statement.Action))])
      .filter(([, actions]) => actions?.length !== 0);

    expect(reaching).toEqual([['Functionsidentity', ['secretsmanager:GetSecretValue']]]);
  });
});

describe('what observes', () => {
  it('reads the registry and notes in it, announces in the fleet’s own name, and reaches nothing else', () => {
    const actions = statementsOf(fleet)
      .filter(({ policy }) => policy.startsWith('Functionsobserve'))
      .flatMap(({ statement }) => listOf(statement.Action));

    expect(actions.sort()).toEqual([
      'dynamodb:GetItem',
      'dynamodb:Query',
      'dynamodb:UpdateItem',
      'events:PutEvents',
      'logs:CreateLogStream',
      'logs:PutLogEvents',
      // The queue of dead letters.
      'sqs:GetQueueAttributes',
      'sqs:GetQueueUrl',
      'sqs:SendMessage',
      'states:StartExecution',
    ]);
    expect(allowing(fleet, /^Functionsobserve/, 'events:PutEvents').map(({ Condition }) => Condition)).toEqual([
      { StringEquals: { 'events:source': 'carrierarr.fleet' } },
    ]);
  });
});

describe('what takes away', () => {
  it('terminates instances that carry the fleet’s tag and a worker’s', () => {
    expect(allowing(fleet, /^Functionssweep/, 'ec2:TerminateInstances').map(({ Condition }) => Condition)).toEqual([
      {
        StringEquals: { 'aws:ResourceTag/carrierarr:fleet': 'carrierarr' },
        Null: { 'aws:ResourceTag/carrierarr:worker': 'false' },
      },
    ]);
  });

  it('deletes secrets of the fleet, never those that people made under the same prefix', () => {
    const deletes = everything.filter(({ statement }) =>
      listOf(statement.Action).includes('secretsmanager:DeleteSecret'),
    );

    expect(deletes).toHaveLength(2);
    for (const { statement } of deletes) {
      expect(statement.Condition).toEqual({ StringEquals: { 'aws:ResourceTag/carrierarr:fleet': 'carrierarr' } });
    }
  });
});

describe('executions', () => {
  it('are redriven by nobody', () => {
    const redrive = everything.filter(({ statement }) => listOf(statement.Action).includes('states:RedriveExecution'));

    expect(redrive.map(({ statement }) => statement.Effect)).toEqual(['Deny']);
  });

  it('of a teardown and a sweep are all that an observation may start', () => {
    expect(allowing(fleet, /^Functionsobserve/, 'states:StartExecution').map(({ Resource }) => Resource)).toEqual([
      ['sweep', 'teardown'].map((name) => `arn:aws:states:us-west-2:111122223333:stateMachine:carrierarr-${name}`),
    ]);
  });

  it('of a teardown are all that rescue and sweep may start', () => {
    for (const who of [/^Functionsrescue/, /^Functionssweep/]) {
      expect(allowing(fleet, who, 'states:StartExecution').map(({ Resource }) => Resource)).toEqual([
        'arn:aws:states:us-west-2:111122223333:stateMachine:carrierarr-teardown',
      ]);
    }
  });
});
