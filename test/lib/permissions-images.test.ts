import { describe, expect, it } from 'vitest';
import { IMAGES as ALL_IMAGES } from '#contract';
import { flatten, resourcesOf, synthesise } from './support/app.ts';
import { allowing, listOf, statementsOf } from './support/policies.ts';

const { images } = synthesise();

/** Resources of a statement are sorted. */
const IMAGES = ALL_IMAGES.toSorted();
const parameters = IMAGES.map((image) => `arn:aws:ssm:us-west-2:111122223333:parameter/carrierarr/ami/${image}`);
const ofImageBuilder = 'EC2 Image Builder';

describe('a machine that becomes an image', () => {
  const may = (action: string) => allowing(images, /^PipelinesMachineRole/, action);

  it('reads the bundle of image scripts and AWS’s own program, nothing else in S3', () => {
    const resources = may('s3:GetObject').flatMap(({ Resource }) => listOf(Resource));

    expect(resources).toHaveLength(2);
    expect(resources).toContain('arn:aws:s3:::ec2imagebuilder*');
    expect(resources.find((arn) => !arn.includes('ec2imagebuilder'))).toMatch(/^arn:aws:s3:::.*\/[0-9a-f]{64}\.gz$/);
  });

  it('has no right on secrets, parameters, images or other machines', () => {
    const actions = statementsOf(images)
      .filter(({ policy }) => policy.startsWith('PipelinesMachineRole'))
      .flatMap(({ statement }) => listOf(statement.Action));

    expect(actions.filter((action) => /^(secretsmanager|ec2|iam|sts|kms):/.test(action))).toEqual([]);
    expect(actions).not.toContain('ssm:GetParameter');
    expect(actions).toContain('imagebuilder:GetComponent');
  });
});

describe('Image Builder, for us', () => {
  const may = (action: string) => allowing(images, /^PipelinesRoleimagepipeline/, action);

  it('alone may be the pipelines and the lifecycle', () => {
    const roles = Object.entries(resourcesOf(images)).filter(([id]) => /^PipelinesRoleimage\w+$/.test(id));
    const trusts = roles
      .filter(([, { Type }]) => Type === 'AWS::IAM::Role')
      .map(([, { Properties }]) => flatten(Properties.AssumeRolePolicyDocument));

    expect(trusts).toHaveLength(2);
    for (const trust of trusts) {
      expect(trust).toMatchObject({ Statement: [{ Principal: { Service: 'imagebuilder.amazonaws.com' } }] });
    }
  });

  it('writes the parameters of this fleet’s images and no other', () => {
    expect(may('ssm:PutParameter').map(({ Resource }) => Resource)).toEqual([parameters]);
  });

  it('passes the build role to EC2, and no other role', () => {
    expect(may('iam:PassRole')).toMatchObject([
      {
        Resource: expect.stringMatching(/^<PipelinesMachineRole\w+\.Arn>$/),
        Condition: { StringEquals: { 'iam:PassedToService': 'ec2.amazonaws.com' } },
      },
    ]);
  });

  it('launches into the build subnet and group only, tagged as its own', () => {
    const resources = may('ec2:RunInstances').flatMap(({ Resource }) => listOf(Resource));
    const tagged = may('ec2:RunInstances').filter(({ Condition }) => Condition !== undefined);

    expect(resources.filter((arn) => /:(subnet|security-group)\//.test(arn)).every((arn) => !arn.endsWith('*'))).toBe(
      true,
    );
    expect(tagged).toMatchObject([
      {
        Resource: expect.arrayContaining([expect.stringMatching(/:instance\/\*$/)]),
        Condition: { StringEquals: { 'aws:RequestTag/CreatedBy': ofImageBuilder } },
      },
    ]);
  });

  it.each(['ec2:TerminateInstances', 'ec2:StopInstances'])('%s only what it has made', (action) => {
    expect(may(action).map(({ Condition }) => Condition)).toEqual([
      { StringEquals: { 'ec2:ResourceTag/CreatedBy': ofImageBuilder } },
    ]);
  });

  it('runs commands on nothing but what it has made', () => {
    const onInstances = may('ssm:SendCommand').filter(({ Resource }) => /instance/.test(String(Resource)));

    expect(onInstances.map(({ Condition }) => Condition)).toEqual([
      { StringEquals: { 'ssm:resourceTag/CreatedBy': ofImageBuilder } },
    ]);
  });

  it('uses keys through EC2 only', () => {
    for (const action of ['kms:Decrypt', 'kms:CreateGrant']) {
      for (const { Condition } of may(action)) {
        expect(Condition?.StringEquals).toEqual({ 'kms:ViaService': 'ec2.us-west-2.amazonaws.com' });
      }
    }
  });
});

describe('what removes old images', () => {
  it('removes this fleet’s only, and never one that is marked as kept, whatever the mark says', () => {
    for (const who of [/^PipelinesRoleimagelifecycle/, /^Publisher/]) {
      const [statement, ...more] = allowing(images, who, 'ec2:DeregisterImage');

      expect(more).toEqual([]);
      expect(statement?.Condition).toMatchObject({
        StringEquals: { 'aws:ResourceTag/carrierarr:fleet': 'carrierarr' },
        Null: { 'aws:ResourceTag/carrierarr:keep': 'true' },
      });
    }
  });

  it('deletes images of Image Builder by the fleet’s recipes', () => {
    expect(
      allowing(images, /^PipelinesRoleimagelifecycle/, 'imagebuilder:DeleteImage').map(({ Resource }) => Resource),
    ).toEqual([IMAGES.map((image) => `arn:aws:imagebuilder:us-west-2:111122223333:image/carrierarr-${image}/*`)]);
  });
});

describe('the image publisher', () => {
  const may = (action: string) => allowing(images, /^Publisher/, action);

  it('starts this fleet’s pipelines and says which images it boots', () => {
    expect(may('imagebuilder:StartImagePipelineExecution').map(({ Resource }) => Resource)).toEqual([
      IMAGES.map((image) => `arn:aws:imagebuilder:us-west-2:111122223333:image-pipeline/carrierarr-${image}`),
    ]);
    expect(may('ssm:PutParameter').map(({ Resource }) => Resource)).toEqual([parameters]);
  });

  it('passes no role and launches nothing', () => {
    expect([...may('iam:PassRole'), ...may('ec2:RunInstances'), ...may('ec2:TerminateInstances')]).toEqual([]);
  });
});
