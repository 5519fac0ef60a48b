import { readFileSync } from 'node:fs';
import { Match } from 'aws-cdk-lib/assertions';
import { describe, expect, it } from 'vitest';
import { flatten, resourcesOf, synthesise } from './support/app.ts';

const { fleet } = synthesise();
const ofType = (type: string) =>
  Object.entries(resourcesOf(fleet))
    .filter(([, { Type }]) => Type === type)
    .map(([id, resource]) => ({ id, ...resource }));
const text = (value: unknown): string => JSON.stringify(flatten(value));

/** A gateway response as API Gateway fills it in. */
const filled = (template = ''): string => template.replace('$context.error.messageString', '"he said \\"no\\""');

describe('the API', () => {
  const methods = ofType('AWS::ApiGateway::Method').map(({ Properties }) => Properties);

  it('is regional, and every method asks for a signature', () => {
    fleet.hasResourceProperties('AWS::ApiGateway::RestApi', { EndpointConfiguration: { Types: ['REGIONAL'] } });
    expect(methods).toHaveLength(7);
    for (const method of methods) expect(method.AuthorizationType).toBe('AWS_IAM');
  });

  it('serves workers and certificates, each by its function', () => {
    const routes = methods.map(({ HttpMethod, ResourceId, Integration }) => {
      const [, path] = /Api(.*?)[0-9A-F]{8}>/.exec(text(ResourceId)) ?? [];
      const [, target] = /<Functions(api|certificates)Function/.exec(text(Integration)) ?? [];
      return `${HttpMethod} ${path} ${target}`;
    });

    expect(routes.sort()).toEqual([
      'DELETE workersname api',
      'GET certificates certificates',
      'GET certificatesid certificates',
      'GET workers api',
      'GET workersname api',
      'POST certificates certificates',
      'POST workers api',
    ]);
  });

  it('throttles, sets no role of the account, and speaks problem+json for the gateway too', () => {
    fleet.hasResourceProperties('AWS::ApiGateway::Stage', {
      MethodSettings: [Match.objectLike({ ThrottlingRateLimit: 10, ThrottlingBurstLimit: 20 })],
    });
    fleet.resourceCountIs('AWS::ApiGateway::Account', 0);
    const answers = ofType('AWS::ApiGateway::GatewayResponse').map(({ Properties }) => Properties);
    expect(answers.map(({ ResponseType }) => ResponseType).sort()).toEqual([
      'ACCESS_DENIED',
      'DEFAULT_4XX',
      'DEFAULT_5XX',
      'MISSING_AUTHENTICATION_TOKEN',
      'THROTTLED',
    ]);
    for (const { ResponseParameters, ResponseTemplates } of answers) {
      expect(ResponseParameters).toEqual({ 'gatewayresponse.header.Content-Type': "'application/problem+json'" });
      expect(JSON.parse(filled((ResponseTemplates as Record<string, string>)['application/json']))).toMatchObject({
        status: expect.any(Number),
        detail: 'he said "no"',
        faults: [],
        remedy: expect.any(String),
      });
    }
  });
});

describe('rules', () => {
  const rule = (name: string) =>
    ofType('AWS::Events::Rule').find(({ Properties }) => Properties.Name === `carrierarr-${name}`)?.Properties ?? {};

  it('hand requests on the fleet’s bus to the scale function', () => {
    expect(rule('scale-requested')).toMatchObject({
      EventPattern: { 'detail-type': ['Scale Out Requested', 'Scale In Requested'] },
    });
    expect(text(rule('scale-requested').Targets)).toContain('Functionsscale');
  });

  it('hand every execution that could not undo itself to the rescue', () => {
    expect(flatten(rule('execution-ended').EventPattern)).toMatchObject({
      source: ['aws.states'],
      'detail-type': ['Step Functions Execution Status Change'],
      detail: {
        status: ['FAILED', 'TIMED_OUT', 'ABORTED'],
        stateMachineArn: [expect.stringMatching(/provision/), expect.stringMatching(/teardown/)],
      },
    });
    expect(text(rule('execution-ended').Targets)).toContain('Functionsrescue');
  });

  it('hand to whoever judges only what the homelab’s control plane and EC2 themselves have seen', () => {
    expect(rule('worker-observed')).toMatchObject({
      EventPattern: { source: ['carrierarr.homelab'], 'detail-type': ['Worker Idle', 'Worker Dead'] },
    });
    expect(text(rule('worker-observed').EventBusName)).toContain('Bus');
    expect(rule('spot-interruption')).toMatchObject({
      EventPattern: { source: ['aws.ec2'], 'detail-type': ['EC2 Spot Instance Interruption Warning'] },
    });
    // On the default bus, on which nobody but AWS speaks for aws.ec2.
    expect(rule('spot-interruption')).not.toHaveProperty('EventBusName');
    for (const name of ['worker-observed', 'spot-interruption']) {
      expect(text(rule(name).Targets)).toContain('Functionsobserve');
      expect(rule(name)).toMatchObject({ Targets: [{ RetryPolicy: { MaximumEventAgeInSeconds: 600 } }] });
    }
  });

  it('sweep every fifteen minutes and renew every day', () => {
    expect(rule('sweep-due').ScheduleExpression).toBe('rate(15 minutes)');
    expect(rule('renewal-due').ScheduleExpression).toBe('rate(1 day)');
  });

  it('keep what they cannot deliver, and their functions what they cannot handle', () => {
    for (const { Properties } of ofType('AWS::Events::Rule')) {
      for (const target of Properties.Targets as Record<string, unknown>[]) {
        expect(text(target.DeadLetterConfig)).toContain('DeadLetters');
      }
    }
    const destinations = ofType('AWS::Lambda::EventInvokeConfig').map(({ Properties }) => text(Properties));
    for (const name of ['scale', 'rescue', 'observe']) {
      const its = destinations.filter((config) => config.includes(`Functions${name}`));
      expect(its.filter((config) => config.includes('DeadLetters'))).toHaveLength(1);
    }
  });
});

describe('the registry', () => {
  it('is on demand, can be restored, forgets by itself, and is listed by kind', () => {
    fleet.hasResourceProperties('AWS::DynamoDB::Table', {
      TableName: 'carrierarr-registry',
      BillingMode: 'PAY_PER_REQUEST',
      KeySchema: [{ AttributeName: 'pk', KeyType: 'HASH' }],
      TimeToLiveSpecification: { AttributeName: 'ttl', Enabled: true },
      PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
      GlobalSecondaryIndexes: [
        Match.objectLike({
          IndexName: 'byKind',
          KeySchema: [
            { AttributeName: 'kind', KeyType: 'HASH' },
            { AttributeName: 'pk', KeyType: 'RANGE' },
          ],
        }),
      ],
    });
  });
});

describe('state machines', () => {
  it('log everything under the prefix that spares the account’s resource policies', () => {
    for (const { Properties } of ofType('AWS::StepFunctions::StateMachine')) {
      expect(Properties.LoggingConfiguration).toMatchObject({ Level: 'ALL', IncludeExecutionData: true });
    }
    const groups = ofType('AWS::Logs::LogGroup').map(({ Properties }) => Properties.LogGroupName);
    expect(groups).toEqual(expect.arrayContaining(['/aws/vendedlogs/states/carrierarr-provision']));
  });
});

describe('alarms', () => {
  const alarms = ofType('AWS::CloudWatch::Alarm').map(({ Properties }) => Properties);

  it('are few, tell somebody, and name their section of the run-book', () => {
    expect(alarms.length).toBeLessThanOrEqual(10);
    for (const { AlarmDescription, AlarmActions } of alarms) {
      expect(AlarmDescription).toMatch(/docs\/operations\.md#[a-z-]+$/);
      expect(AlarmActions).toHaveLength(1);
    }
  });

  it('point to sections that the run-book has', () => {
    const headings = [...readFileSync('docs/operations.md', 'utf8').matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
      heading
        .toLowerCase()
        .replaceAll(/[^a-z0-9 -]/g, '')
        .replaceAll(' ', '-'),
    );
    for (const { AlarmDescription } of alarms) {
      expect(headings).toContain(String(AlarmDescription).split('#')[1]);
    }
  });

  it('tell when the daily renewal has stopped to run, but not before its first run', () => {
    expect(alarms.find(({ AlarmName }) => AlarmName === 'carrierarr-renewal-missing')).toMatchObject({
      ComparisonOperator: 'LessThanThreshold',
      TreatMissingData: 'missing',
      InsufficientDataActions: [expect.anything()],
    });
  });

  it('go to the address that is configured', () => {
    fleet.resourceCountIs('AWS::SNS::Subscription', 0);
    const { fleet: mailed } = synthesise({ operations: { alarmEmail: 'ops@example.org' } });

    mailed.hasResourceProperties('AWS::SNS::Subscription', { Protocol: 'email', Endpoint: 'ops@example.org' });
    // Who has an address for alarms hears of idle workers too.
    mailed.hasResourceProperties('AWS::Events::Rule', {
      Name: 'carrierarr-idle-warning',
      EventPattern: { source: ['carrierarr.fleet'], 'detail-type': ['Worker Idle Warning'] },
      Targets: [Match.objectLike({ Arn: { Ref: Match.stringLikeRegexp('^AlarmsTopic') } })],
    });
  });

  it('may publish: a topic with a policy of its own has lost the default one', () => {
    fleet.hasResourceProperties('AWS::SNS::TopicPolicy', {
      PolicyDocument: {
        Statement: Match.arrayWith([
          Match.objectLike({
            Effect: 'Allow',
            Action: 'sns:Publish',
            Principal: { Service: 'cloudwatch.amazonaws.com' },
            Condition: Match.objectLike({ StringEquals: { 'aws:SourceAccount': { Ref: 'AWS::AccountId' } } }),
          }),
        ]),
      },
    });
  });
});

describe('the guard', () => {
  it('depends on everything that could still take a worker away, so that it is asked first', () => {
    const [guard] = ofType('Custom::DestroyGuard');
    const needed = [
      ...ofType('AWS::StepFunctions::StateMachine'),
      ...ofType('AWS::DynamoDB::Table'),
      ...ofType('AWS::EC2::LaunchTemplate'),
      ...ofType('AWS::EC2::SecurityGroup'),
      ...ofType('AWS::Events::Rule'),
      ...ofType('AWS::Lambda::Function').filter(({ id }) => !id.startsWith('DestroyGuard')),
    ].map(({ id }) => id);

    expect(guard?.DependsOn).toEqual(expect.arrayContaining(needed));
  });
});
